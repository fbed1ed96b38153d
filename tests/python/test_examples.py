# SPDX-License-Identifier: Apache-2.0
"""The examples, as a user runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def run(root: Path, name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, root / "examples/python" / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_classify(root: Path, cat: Path, dog: Path, tmp_path: Path) -> None:
    told = run(root, "classify.py", cat, dog)
    assert told.returncode == 0, told.stderr
    first, second = told.stdout.splitlines()
    assert first.startswith(f"{cat}: cat ") and second.startswith(f"{dog}: dog ")
    told = run(root, "classify.py", cat, tmp_path / "missing.jpg")
    assert told.returncode == 1 and "missing.jpg" in told.stderr and told.stdout.count("\n") == 1


def test_first_hour(root: Path, tmp_path: Path) -> None:
    told = run(root, "first_hour.py", root / "examples/images", tmp_path)
    assert told.returncode == 0, told.stderr
    count = len([row for row in (tmp_path / "table.csv").read_text().splitlines()[1:] if row])
    assert told.stdout.startswith(f"{count} images: ") and count > 1
    if "accuracy 1.000" not in told.stdout:
        pytest.skip("built without the catdog command")
    assert "<html" in (tmp_path / "report.html").read_text()
    (tmp_path / "empty").mkdir()
    assert run(root, "first_hour.py", tmp_path / "empty", tmp_path).returncode == 1


def test_video_frames(root: Path, cat: Path, dog: Path, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    video = tmp_path / "pets.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 10, (400, 300))
    assert writer.isOpened()
    for image in (cat, dog):
        frame = cv2.resize(cv2.imread(str(image)), (400, 300))
        for _ in range(20):
            writer.write(frame)
    writer.release()
    told = run(root, "video_frames.py", video)
    assert told.returncode == 0, told.stderr
    rows = [row.split() for row in told.stdout.splitlines()]
    assert [row[1] for row in rows] == ["cat", "dog"] and rows[0][0] == "0.0" and rows[1][0] == "2.0"
    (tmp_path / "empty.avi").write_bytes(b"")
    assert run(root, "video_frames.py", tmp_path / "empty.avi").returncode == 1
