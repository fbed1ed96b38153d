# SPDX-License-Identifier: Apache-2.0
"""What a user's type checker makes of the package."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("mypy")
if tuple(map(int, version("mypy").split(".")[:2])) < (1, 5):  # Debian 12 has 1.0; the wheel's test installs a new one.
    pytest.skip("needs mypy 1.5 or later", allow_module_level=True)

GOOD = """
import io
from pathlib import Path
from typing import assert_type
import catdog

with catdog.Classifier(threads=2, precision="fp32", log=print) as classifier:
    prediction = classifier.classify("cat.jpg")
    assert_type(prediction, catdog.Prediction)
    assert_type(prediction.confidence, float)
    assert_type(prediction.probabilities["cat"], float)
    assert_type(prediction.error, catdog.Error | None)
    assert_type(prediction.timings.total_ms, float)
    classifier.classify(Path("cat.jpg"))
    classifier.classify(b"")
    classifier.classify(memoryview(b""))
    assert_type(classifier.classify_batch(Path(".").glob("*.jpg"), channel_order="bgr"), list[catdog.Prediction])
    for path, one in classifier.classify_stream(Path(".").glob("*.jpg")):
        assert_type((path, one), tuple[Path, catdog.Prediction])
    assert_type(prediction.source, str | None)
    with open("cat.jpg", "rb") as file:
        classifier.classify(file)
    classifier.classify(io.BytesIO(b""))
    assert_type(classifier.labels, tuple[str, ...])
figures = catdog.evaluate("folder", report=Path("report.html"))
order: catdog.ChannelOrder = "bgr"
try:
    catdog.Classifier("missing.pt")
except catdog.NotFoundError as error:
    assert_type(error.status, str)
"""
BAD = """
import catdog

classifier = catdog.Classifier(precision="int3")
classifier.classify(5)
classifier.classify_batch("cat.jpg", channel_order="hsv")
classifier.classify("cat.jpg").label = "dog"
"""


def mypy(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cwd / "cache", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=cwd,
        # Where it is not installed, mypy doesn't look into PYTHONPATH by itself.
        env={**os.environ, "MYPYPATH": os.environ.get("PYTHONPATH", "")},
    )


def test_a_strict_program_passes(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    told = mypy("good.py", cwd=tmp_path)
    assert told.returncode == 0, told.stdout + told.stderr


def test_mistakes_are_found(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    told = mypy("bad.py", cwd=tmp_path)
    lines = [row.split(":")[1] for row in told.stdout.splitlines() if ": error:" in row]
    assert lines == ["4", "5", "6", "7"], told.stdout


def test_arrays_and_pil_images_are_images(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    pytest.importorskip("PIL")
    (tmp_path / "arrays.py").write_text(
        "import catdog\nimport numpy as np\nfrom PIL import Image\n\n"
        "classifier = catdog.Classifier()\nclassifier.classify(np.zeros((8, 8, 3), np.uint8)[::-1])\n"
        'classifier.classify(Image.open("cat.jpg"))\nclassifier.classify_batch([Image.open("cat.jpg")])\n'
    )
    told = mypy("arrays.py", cwd=tmp_path)
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_package_itself_is_strict(tmp_path: Path) -> None:
    told = mypy("-p", "catdog", cwd=tmp_path)
    assert told.returncode == 0, told.stdout + told.stderr
