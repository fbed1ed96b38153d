# SPDX-License-Identifier: Apache-2.0
"""The figures of a model card are those of the evaluation, and only of the same model."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import tiny
from harness import MODEL, SOURCE


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the shipped model on the shipped pictures."""
    command = [os.environ["CATDOG_COMMAND"], "evaluate", str(SOURCE / "examples" / "images"), "--json", "--no-progress"]
    done = subprocess.run([*command, "--model", str(MODEL)], check=True, capture_output=True, text=True)
    path = tmp_path_factory.mktemp("card") / "evaluation.json"
    path.write_text(done.stdout)
    return path


def card(evaluation: Path, output: Path, *more: object) -> tuple[int, str]:
    done = tiny.script("card.py", "--model", MODEL, "--evaluation", evaluation, "--output", output, *more)
    return done.returncode, done.stderr


def test_the_figures(evaluation: Path, tmp_path: Path) -> None:
    measured = json.loads(evaluation.read_text())
    measured |= {
        "pictures": 2171,
        "accuracy": 0.95993,
        "accuracy_ci95": [0.95083, 0.9674],
        "auc": 0.9944,
        "ece": 0.0091,
    }
    measured["classes"]["cat"] |= {"precision": 0.962, "recall": 0.954, "f1": 0.958}
    measured["classes"]["dog"]["precision"] = None  # as where nothing was called a dog
    measured["confusion"] = [[1000, 48], [39, 1084]]
    changed = tmp_path / "evaluation.json"
    changed.write_text(json.dumps(measured))
    assert card(changed, tmp_path / "figures.md") == (0, "")
    text = (tmp_path / "figures.md").read_text()
    assert "| 2,171 | 95.99 % (95.08–96.74) | 0.994 | 0.009 | 0.962 / 0.954 / 0.958 | – / 1.000 / 1.000 |" in text
    assert "| cat | 1000 | 48 |" in text and "| dog | 39 | 1084 |" in text
    assert measured["model"]["sha256"] in text and f"{MODEL.stat().st_size:,} bytes" in text
    assert "19,072 train" in text and "epochs 24" in text


def test_only_the_generated_part_of_a_card_changes(evaluation: Path, tmp_path: Path) -> None:
    page = tmp_path / "card.md"
    page.write_text("# Card\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nwritten by a person\n")
    assert card(evaluation, tmp_path / "figures.md", "--into", page) == (0, "")
    assert page.read_text() == f"# Card\n{(tmp_path / 'figures.md').read_text()}written by a person\n"
    assert card(evaluation, tmp_path / "figures.md", "--into", page) == (0, "")
    assert page.read_text() == f"# Card\n{(tmp_path / 'figures.md').read_text()}written by a person\n"


def test_a_card_without_the_marks_stays_as_it_is(evaluation: Path, tmp_path: Path) -> None:
    page = tmp_path / "card.md"
    page.write_text("# Card\n")
    status, message = card(evaluation, tmp_path / "figures.md", "--into", page)
    assert status == 1 and "<!-- figures: begin -->" in message and page.read_text() == "# Card\n"


def test_the_evaluation_of_another_model_is_refused(evaluation: Path, tmp_path: Path) -> None:
    measured = json.loads(evaluation.read_text())
    measured["model"]["sha256"] = "0" * 64
    other = tmp_path / "other.json"
    other.write_text(json.dumps(measured))
    status, message = card(other, tmp_path / "figures.md")
    assert status == 1 and "of another model" in message and not (tmp_path / "figures.md").exists()
