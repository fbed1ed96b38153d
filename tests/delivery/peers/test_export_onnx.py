# SPDX-License-Identifier: Apache-2.0
"""scripts/export_onnx.py: the ONNX file of each shipped model gives the library's probabilities in ONNX Runtime."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
cv2 = pytest.importorskip("cv2")

ROOT = Path(__file__).resolve().parents[3]


def export(model: Path, output: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/export_onnx.py"), str(model), str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def library(model: Path, image: Path) -> dict[str, Any]:
    command = [os.environ["CATDOG_COMMAND"], "classify", "--json", "--precision", "fp32", "--model", model, image]
    answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return answer


@pytest.mark.parametrize("name", ["best_model", "simple_cnn"])
def test_same_probabilities_as_the_library(name: str, tmp_path: Path) -> None:
    model = ROOT / f"models/{name}.pt"
    done = export(model, tmp_path / "model.onnx")
    assert done.returncode == 0, done.stderr
    facts = {p.key: json.loads(p.value) for p in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert facts["labels"] == ["cat", "dog"]
    size = facts["input"]
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    inputs, expected = [], []
    for photo in ("cat/chelsea.png", "dog/dog.jpg"):
        # Of the network's own size, and lossless: what remains to be done is to normalise.
        pixels = cv2.imread(str(ROOT / "examples/images" / photo))
        small = cv2.resize(pixels, (size["width"], size["height"]), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(tmp_path / "small.png"), small)
        scaled = (small[:, :, ::-1] / 255 - np.array(size["mean"])) / np.array(size["std"])
        inputs.append(scaled.transpose(2, 0, 1).astype(np.float32))
        expected.append(library(model, tmp_path / "small.png"))
    probabilities, neither = session.run(["probabilities", "neither"], {"image": np.stack(inputs)})
    for index, answer in enumerate(expected):
        assert answer["answer"] == ("cat", "dog")[index]
        assert probabilities[index] == pytest.approx(list(answer["probabilities"].values()), abs=1e-4)
        assert neither[index] == pytest.approx([answer["neither"]], abs=1e-4)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a/b", "c")
    done = export(other, tmp_path / "out.onnx")
    assert done.returncode == 1
    reason = f"{other} has no catdog.json: it isn't a model file of this project"
    assert done.stderr == f"export_onnx.py: {other}: {reason}\n"
    assert not (tmp_path / "out.onnx").exists()
    (tmp_path / "text.pt").write_text("no")
    assert export(tmp_path / "text.pt", tmp_path / "out.onnx").stderr.endswith("text.pt: File is not a zip file\n")


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pt"
    source = zipfile.ZipFile(ROOT / "models/simple_cnn.pt")
    with zipfile.ZipFile(damaged, "w") as archive:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.endswith("/data/0"):
                data = bytes([data[0] ^ 1]) + data[1:]
            archive.writestr(entry, data)
    done = export(damaged, tmp_path / "out.onnx")
    assert done.returncode == 1
    assert "are not those that the file lists" in done.stderr
