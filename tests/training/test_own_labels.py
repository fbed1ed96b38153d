# SPDX-License-Identifier: Apache-2.0
"""docs/train-your-own.md: a model with three labels of one's own, through everything that answers with a model."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import MODEL, Server
from pets import LABELS, animal, write_pets

catdog = pytest.importorskip("catdog", reason="this build has no Python bindings")
TRAIN, COMMAND = os.environ["CATDOG_TRAIN"], os.environ["CATDOG_COMMAND"]


def run(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "pets"
    write_pets(folder, 40)
    return folder


@pytest.fixture(scope="module")
def model(pets: Path) -> Path:
    output = pets.parent / "my_pets"
    run(TRAIN, "--data", pets, "--backbone", MODEL, "--output", output, "--epochs", 30, "--no-progress",
        "--validation", 0.15, "--test", 0.15)  # fmt: skip
    return output / "best_model.pt"


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[Server]:
    with Server(model=model) as running:
        yield running


def test_it_learns_the_labels(pets: Path, model: Path) -> None:
    kept_back = model.parent / "test.txt"
    figures = json.loads(run(COMMAND, "evaluate", pets, "--list", kept_back, "--model", model, "--json"))
    assert figures["accuracy"] >= 0.9
    rows = run(COMMAND, "classify", "--csv", "--model", model, pets / "rabbit/rabbit1.png").splitlines()
    row = dict(zip(rows[0].split(","), rows[1].split(",")))
    assert row["label"] == "rabbit" and float(row["p_rabbit"]) > 0.5
    with catdog.Classifier(model) as classifier:
        assert classifier.labels == LABELS
        assert classifier.metadata["name"] == "my_pets"
        prediction = classifier.classify(animal("dog", 1000))
        assert prediction.label == "dog" and set(prediction.probabilities) == set(LABELS)
        assert classifier.explain(animal("dog", 1000), label="rabbit").label == "rabbit"


def test_int8_gives_the_same_labels(pets: Path, model: Path) -> None:
    quantized = model.parent / "int8.pt"
    run(TRAIN, "quantize", model, "--data", pets, "--output", quantized, "--images", 50)
    ranges = json.loads(run(COMMAND, "info", "--json", quantized))["calibration"]["quantization"]
    assert ranges


def ask(server: Server, path: str, body: bytes, content_type: str = "image/png") -> tuple[int, Any]:
    request = urllib.request.Request(server.url + path, body, {"Content-Type": content_type})
    with urllib.request.urlopen(request) as response:
        text = response.read()
        return response.status, json.loads(text) if text else None


def test_the_service_answers_with_them(server: Server) -> None:
    status, answer = ask(server, "/predict", animal("rabbit", 1000))
    assert status == 200
    assert answer["predicted_label"] == "rabbit" and answer["predicted_class"] == 2
    assert list(answer["probabilities"]) == list(LABELS)
    assert ask(server, "/explain", animal("rabbit", 1000))[1]["predicted_label"] == "rabbit"
    given = {"feedback_token": answer["feedback_token"], "label": "rabbit"}
    assert ask(server, "/feedback", json.dumps(given).encode(), "application/json")[0] == 204
    with urllib.request.urlopen(server.url + "/metrics") as response:
        metrics = response.read().decode()
    assert 'label="rabbit"' in metrics
    assert [line for line in metrics.splitlines() if line.startswith("model_accuracy") and line.endswith(" 1")]


def test_negatives_add_the_answer_neither(pets: Path) -> None:
    write_pets(pets.parent / "others", 10)
    output = pets.parent / "with_neither"
    run(TRAIN, "--data", pets, "--negatives", pets.parent / "others", "--backbone", MODEL, "--output", output,
        "--epochs", 1, "--views", 1, "--no-progress", "--validation", 0.15, "--test", 0.15)  # fmt: skip
    with catdog.Classifier(output / "best_model.pt") as classifier:
        assert classifier.classify(animal("cat", 1000)).neither is not None


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["--image-size", "64"], 2, "--backbone excludes --image-size"),
        (["--architecture", "a.json"], 2, "--architecture excludes --backbone"),
        (["--backbone", "none.pt"], 2, "--backbone"),
    ],
)
def test_what_does_not_go_together_is_refused(pets: Path, words: list[str], code: int, reason: str) -> None:
    command = [TRAIN, "--data", pets, "--backbone", MODEL, "--output", pets.parent / "refused", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code and reason in done.stderr


def test_a_network_is_needed(pets: Path) -> None:
    done = subprocess.run([TRAIN, "--data", pets, "--output", pets.parent / "refused"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "catdog-train: give --architecture FILE or --backbone MODEL; see --help\n"
