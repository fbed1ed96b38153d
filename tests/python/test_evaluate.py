# SPDX-License-Identifier: Apache-2.0
"""The command in the package, and evaluate()."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import catdog
import pytest

pytestmark = pytest.mark.skipif(
    not (Path(catdog.__file__).parent / "bin/catdog").exists(), reason="built without the catdog command"
)


@pytest.fixture()
def folder(cat: Path, dog: Path, tmp_path: Path) -> Path:
    for image, names in ((cat, ("cat/1.png", "cat/2.png", "dog/wrong.png")), (dog, ("dog/1.jpg",))):
        for name in names:
            (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(image, tmp_path / "images" / name)
    (tmp_path / "images/dog/broken.jpg").write_bytes(b"no image")
    return tmp_path / "images"


def test_it_gives_what_the_command_prints(folder: Path, tmp_path: Path) -> None:
    figures = catdog.evaluate(folder, predictions=tmp_path / "rows.csv", report=tmp_path / "report.html", threads=1)
    assert figures["unreadable"] == 1 and figures["accuracy"] == 0.75
    assert (tmp_path / "rows.csv").read_text().count("\n") == 6
    assert "<html" in (tmp_path / "report.html").read_text()
    command = [sys.executable, "-m", "catdog", "evaluate", "--json", str(folder)]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 1 and f'"accuracy": {figures["accuracy"]}' in told.stdout
    (tmp_path / "list").write_text("cat/1.png\ndog/1.jpg\n")
    some = catdog.evaluate(str(folder), model="simple_cnn", files=tmp_path / "list", precision="fp32")
    assert some["accuracy"] == 1 and some["unreadable"] == 0


def test_its_errors_are_those_of_the_library(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(catdog.InvalidArgumentError, match="is no folder"):
        catdog.evaluate(tmp_path / "none")
    with pytest.raises(catdog.ModelError, match="no.pt"):
        catdog.evaluate(folder, model=tmp_path / "no.pt")
    with pytest.raises(catdog.InputTypeError, match="folder must be a path"):
        catdog.evaluate(5)  # type: ignore[arg-type]
    for image in ("cat/1.png", "cat/2.png", "dog/wrong.png", "dog/1.jpg"):
        (folder / image).write_bytes(b"no image")
    with pytest.raises(catdog.UnsupportedError, match="none of the 5 images"):
        catdog.evaluate(folder)
    assert capfd.readouterr() == ("", "")


def test_a_folder_that_looks_like_an_option(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.rename(folder, tmp_path / "--json")
    monkeypatch.chdir(tmp_path)
    assert catdog.evaluate("--json")["unreadable"] == 1
