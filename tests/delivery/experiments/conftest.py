# SPDX-License-Identifier: Apache-2.0
"""An MLflow server for a file of tests, a data set and a finished training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from mlflow_server import Mlflow  # only here: what needs no MLflow is tested without it

    made = Mlflow(tmp_path_factory.mktemp("server"))
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_pictures(tmp_path_factory.mktemp("data") / "pictures")


@pytest.fixture()
def finished(data: Path, tmp_path: Path) -> Path:
    return tiny.trained(data, tmp_path / "finished", epochs=3)
