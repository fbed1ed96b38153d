# SPDX-License-Identifier: Apache-2.0
"""The first thing a user does; needs nothing but the package and pytest."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import catdog
import pytest


def test_the_shipped_model_tells_cat_from_dog(cat: Path, dog: Path) -> None:
    with catdog.Classifier() as classifier:
        assert classifier.labels == ("cat", "dog")
        assert classifier.classify(str(cat)).label == "cat"
        assert classifier.classify(dog).label == "dog"


def test_a_prediction_says_all_that_is_known(classifier: catdog.Classifier, cat: Path) -> None:
    prediction = classifier.classify(cat)
    assert prediction.ok and prediction.status == "ok" and prediction.error is None and prediction.message == ""
    assert (prediction.width, prediction.height, prediction.format) == (451, 300, "png")
    assert list(prediction.probabilities) == ["cat", "dog"]
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.confidence == prediction.probabilities["cat"] > 0.5
    assert (prediction.answer, prediction.reason) == ("cat", "label")
    assert prediction.neither is not None and 0 <= prediction.neither < 0.1
    assert prediction.trust == pytest.approx(prediction.confidence * (1 - prediction.neither))
    times = prediction.timings
    assert times.decode_ms > 0 and times.infer_ms > 0
    assert times.total_ms >= times.read_ms + times.decode_ms + times.preprocess_ms + times.infer_ms - 1e-6


def test_a_prediction_as_text_as_json_and_pickled(classifier: catdog.Classifier, cat: Path) -> None:
    prediction = classifier.classify(cat)
    assert re.match(r"Prediction\(cat, trust=(0\.9|1\.0)", repr(prediction))
    assert "451x300 png" in repr(prediction) and repr(prediction).endswith(" ms)")
    facts = json.loads(json.dumps(prediction.to_dict()))
    assert facts == {
        "source": str(cat),
        "status": "ok",
        "answer": "cat",
        "label": "cat",
        "confidence": prediction.confidence,
        "p_cat": prediction.probabilities["cat"],
        "p_dog": prediction.probabilities["dog"],
        "neither": prediction.neither,
        "trust": prediction.trust,
        "reason": "label",
        "abstained": False,
        "width": 451,
        "height": 300,
        "format": "png",
        **prediction.timings._asdict(),
        "message": "",
    }
    copy = pickle.loads(pickle.dumps(prediction))
    assert copy == prediction and copy.timings == prediction.timings and hash(copy) == hash(prediction)


def test_the_answer_follows_the_thresholds(cat: Path) -> None:
    for options, answer, reason in (
        ({"abstain_below": 1.0}, "uncertain", "low_confidence"),
        ({"neither_above": 0.0}, "neither", "neither"),
        ({"min_precision": 0.99}, "cat", "label"),
    ):
        with catdog.Classifier(**options) as classifier:
            prediction = classifier.classify(cat)
        assert (prediction.answer, prediction.reason, prediction.label) == (answer, reason, "cat")
        assert prediction.abstained == (answer != "cat") and repr(prediction).startswith(f"Prediction({answer}, ")


def test_a_grey_square_is_neither(classifier: catdog.Classifier) -> None:
    grey = memoryview(bytes([128]) * 64 * 64).cast("B", (64, 64))
    assert classifier.classify(grey).answer == "neither"


def test_a_shipped_model_by_name(cat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with catdog.Classifier("simple_cnn") as classifier:
        pickled = pickle.dumps(classifier)
        assert classifier.metadata["name"] == "simplecnn" and classifier.classify(cat).answer == "cat"
    monkeypatch.chdir(tmp_path)
    with pickle.loads(pickled) as again:
        assert again.metadata["name"] == "simplecnn"


def test_facts_about_the_model(classifier: catdog.Classifier) -> None:
    facts = classifier.metadata
    assert facts["model"]["labels"] == ["cat", "dog"]
    assert len(facts["sha256"]) == 64 and facts["path"].endswith("best_model.pt") and facts["name"]
    assert classifier.engine == "native" and classifier.threads == 2
    assert classifier.precision in ("fp32", "bf16", "int8")
    width, height = classifier.input_size
    assert (width, height) == (facts["model"]["input"]["width"], facts["model"]["input"]["height"])
    assert facts["name"] in repr(classifier) and "cat, dog" in repr(classifier) and "threads=2" in repr(classifier)
    classifier.warm_up()
    assert catdog.__version__.count(".") == 2


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "catdog", *arguments], capture_output=True, text=True, timeout=120)


def test_the_module_as_a_command(cat: Path, dog: Path, tmp_path: Path) -> None:
    told = run(cat, dog)
    assert told.returncode == 0 and told.stderr == ""
    rows = told.stdout.splitlines()
    assert rows[0].startswith(f"{cat}: cat ") and rows[1].startswith(f"{dog}: dog ")

    told = run("--json", cat, tmp_path / "missing.jpg")
    assert told.returncode == 1
    first, second = map(json.loads, told.stdout.splitlines())
    assert first["path"] == str(cat) and first["label"] == "cat"
    assert second["status"] == "not_found" and "missing.jpg" in second["message"]

    assert run("--version").stdout == f"catdog {catdog.__version__}\n"
    assert run().returncode == 2
    told = run(cat.parent)
    assert told.returncode == 0 and f"{cat}: cat " in told.stdout
    told = run("--model", tmp_path / "no.pt", cat)
    assert told.returncode == 3 and "no.pt" in told.stderr and told.stdout == ""
