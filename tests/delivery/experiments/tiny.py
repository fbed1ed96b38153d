# SPDX-License-Identifier: Apache-2.0
"""A data set of two textures that the real trainer learns in seconds, and how to run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import SOURCE

TRAINING = SOURCE / "training"
FLAGS = ["--image-size", "32", "--batch-size", "16", "--validation", "0.2", "--test", "0.3", "--threads", "1"]


def trainer() -> str:
    found = os.environ.get("CATDOG_TRAIN") or shutil.which("catdog-train")
    if not found:
        pytest.skip("no catdog-train: build it (CATDOG_BUILD_TRAINING) and name it in CATDOG_TRAIN")
    return found


def make_pictures(folder: Path, count: int = 40) -> Path:
    """cat: stripes along, dog: stripes across, each with noise of its own."""
    numpy = pytest.importorskip("numpy", reason="numpy is missing (pip install numpy)")
    image = pytest.importorskip("PIL.Image", reason="Pillow is missing (pip install pillow)")
    for index, label in enumerate(("cat", "dog")):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            random = numpy.random.default_rng(1000 * index + number)
            stripes = numpy.tile((numpy.arange(32) // 4 % 2) * 160, (32, 1))
            texture = stripes.T if index else stripes
            noisy = texture[..., None] + random.integers(0, 90, (32, 32, 3))
            image.fromarray(noisy.astype(numpy.uint8)).save(folder / label / f"{label}.{number}.png")
    return folder


def train(data: Path, output: Path, epochs: int, *more: str) -> subprocess.Popen[bytes]:
    command = [trainer(), "--data", str(data), "--output", str(output), "--epochs", str(epochs), *FLAGS, *more]
    command += ["--architecture", str(TRAINING / "architectures" / "simplecnn.json"), "--no-progress", "--overwrite"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def trained(data: Path, output: Path, epochs: int) -> Path:
    assert train(data, output, epochs).wait(timeout=300) == 0
    return output


def script(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TRAINING / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)
