# SPDX-License-Identifier: Apache-2.0
"""The catdog command: the same program that every other installation has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._arguments import encode_path
from ._errors import Error, InvalidArgumentError, IoError, ModelError, NotFoundError, UnsupportedError

if TYPE_CHECKING:
    from typing import NoReturn


def program() -> str:
    """The program: the package's own in a wheel, else the one that the system has."""
    own = Path(__file__).with_name("bin") / "catdog"
    found = str(own) if own.exists() else shutil.which("catdog")
    if found is None:
        raise NotFoundError("the catdog command isn't installed: the wheel brings it, and so does the Debian package")
    return found


def main() -> NoReturn:
    """`catdog` and `python -m catdog`: becomes the command."""
    try:
        found = program()
    except Error as error:
        sys.exit(f"catdog: {error}")
    os.execv(found, ["catdog", *sys.argv[1:]])


def evaluate(
    folder: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    files: str | os.PathLike[str] | None = None,
    negatives: str | os.PathLike[str] | None = None,
    predictions: str | os.PathLike[str] | None = None,
    report: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    precision: str | None = None,
) -> dict[str, Any]:
    """Measures a model on labelled images, as `catdog evaluate --json` does; returns its figures.

    folder: its sub-folders are named after the labels; one named "neither" holds images of none.
    model: as for Classifier.
    files: a file of paths relative to the folder, one a line: only these count.
    negatives: a folder of more images of no label.
    predictions, report: files to write: each image's verdict as CSV, and the report as an HTML page.
    threads, precision: as for Classifier.

    Images that can't be read are counted under "unreadable". Raises an Error where nothing could be measured.
    """
    words = [os.fsencode(program()), b"evaluate", b"--json", b"--no-progress"]
    for name, value in (
        ("--model", model),
        ("--list", files),
        ("--negatives", negatives),
        ("--predictions", predictions),
        ("--report", report),
    ):
        if value is not None:
            words += [name.encode(), encode_path(name.strip("-"), value)]
    if threads is not None:
        words += [b"--threads", str(threads).encode()]
    if precision is not None:
        words += [b"--precision", precision.encode()]
    told = subprocess.run([*words, b"--", encode_path("folder", folder)], capture_output=True)
    if told.stdout:
        figures: dict[str, Any] = json.loads(told.stdout)
        return figures
    errors: dict[int, type[Error]] = {1: UnsupportedError, 2: InvalidArgumentError, 3: ModelError, 4: IoError}
    message = told.stderr.decode(errors="backslashreplace").strip().removeprefix("catdog: ")
    raise errors.get(told.returncode, Error)(message or f"the command ended with {told.returncode}")
