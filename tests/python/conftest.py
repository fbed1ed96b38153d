# SPDX-License-Identifier: Apache-2.0
"""What the tests share. They need the package catdog and the images of this repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import catdog
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def classifier() -> Iterator[catdog.Classifier]:
    with catdog.Classifier(threads=2) as opened:
        yield opened


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def cat() -> Path:
    """A PNG file in RGB: every way to hand its pixels over must give the same prediction."""
    return ROOT / "examples/images/cat/chelsea.png"


@pytest.fixture(scope="session")
def dog() -> Path:
    return ROOT / "examples/images/dog/dog.jpg"


@pytest.fixture(scope="session")
def golden() -> Path:
    return ROOT / "tests/golden/images"
