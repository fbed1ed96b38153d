# SPDX-License-Identifier: Apache-2.0
"""examples/python/bulk_ray.py on a local Ray with two workers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray.data")
pq = pytest.importorskip("pyarrow.parquet")
import pyarrow  # noqa: E402


def bulk(root: Path, source: Path, output: Path) -> tuple[str, list[dict[str, Any]]]:
    command = [sys.executable, root / "examples/python/bulk_ray.py", source, output, "--workers", "2", "--compare"]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_DISABLE_PROGRESS_BARS": "1"}
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert told.returncode == 0, told.stdout + told.stderr
    rows: list[dict[str, Any]] = pq.read_table(output).to_pylist()
    return told.stdout, rows


def test_a_folder(root: Path, cat: Path, dog: Path, tmp_path: Path) -> None:
    source = tmp_path / "images"
    source.mkdir()
    for number in range(60):
        (source / f"cat{number}.png").write_bytes(cat.read_bytes())
        (source / f"dog{number}.jpg").write_bytes(dog.read_bytes())
    (source / "broken.png").write_bytes(cat.read_bytes()[:10_000])
    told, rows = bulk(root, source, tmp_path / "verdicts")
    verdicts = {Path(row["path"]).name: (row["status"], row["label"]) for row in rows}
    assert len(rows) == len(verdicts) == 121
    assert verdicts.pop("broken.png")[0] == "corrupt"
    for name, verdict in verdicts.items():
        assert verdict == ("ok", name[:3]), name
    assert re.search(r"^121 images, \d+ a second with 2 workers$", told, re.M), told
    assert re.search(r"^\d+ a second in a plain loop; Ray / loop = \d+\.\d\d$", told, re.M), told


def test_a_parquet(root: Path, cat: Path, dog: Path, tmp_path: Path) -> None:
    source = tmp_path / "images.parquet"
    data = [cat.read_bytes(), b"no image", dog.read_bytes()]
    pq.write_table(pyarrow.table({"id": [7, 8, 9], "bytes": data}), source)
    _, rows = bulk(root, source, tmp_path / "verdicts")
    assert {row["id"]: (row["status"], row["label"]) for row in rows} == {
        7: ("ok", "cat"),
        8: ("unsupported", ""),
        9: ("ok", "dog"),
    }
    assert all((row["confidence"] > 0.5) == (row["status"] == "ok") for row in rows)
