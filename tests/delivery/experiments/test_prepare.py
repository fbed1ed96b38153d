# SPDX-License-Identifier: Apache-2.0
"""Images as they are handed out become class folders; what is wrong with them is said by name."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import tiny

FILES = {"train/cat.0.jpg": b"c0", "train/cat.10.jpg": b"c10", "train/cat.2.jpg": b"c2", "train/dog.0.jpg": b"d0"}
CLASSES = {"PetImages/Cat/0.jpg": b"c0", "PetImages/Dog/0.jpg": b"d0", "PetImages/Dog/Thumbs.db": b"no picture"}


def as_zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def as_tar(files: dict[str, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def prepare(folder: Path, pictures: str, *more: str) -> tuple[int, str, dict[str, bytes]]:
    """Exit code, message, and what is in the output."""
    output = folder / "out"
    done = tiny.script(
        "prepare.py", "--source", folder, "--pictures", pictures, "--labels", "cat", "dog", "--output", output, *more
    )
    files = {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    return done.returncode, done.stdout + done.stderr, files


FLAT = {f"pictures/{name.split('.')[0][6:]}/{name[6:]}": content for name, content in FILES.items()}


@pytest.mark.parametrize(
    "content",
    [
        as_zip(FILES),
        as_zip({"train.zip": as_zip(FILES), "test1.zip": as_zip({"test1/1.jpg": b"?"}), "sampleSubmission.csv": b"id"}),
        as_tar(FILES, "w"),
        as_tar(FILES, "w:gz"),
    ],
    ids=["zip", "kaggle", "tar", "tar.gz"],
)
def test_archives_of_flat_names(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "archive").write_bytes(content)
    status, message, files = prepare(tmp_path, "archive")
    assert (status, files) == (0, FLAT), message
    assert "3 cat, 1 dog" in message


def test_class_folders_in_an_archive(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(as_zip(CLASSES))
    status, message, files = prepare(tmp_path, "archive")
    assert (status, files) == (0, {"pictures/cat/0.jpg": b"c0", "pictures/dog/0.jpg": b"d0"}), message


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    for name, content in CLASSES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "PetImages" / "readme.jpg").write_bytes(b"of no class")
    status, message, files = prepare(tmp_path, "PetImages")
    assert (status, files) == (0, {"pictures/cat/0.jpg": b"c0", "pictures/dog/0.jpg": b"d0"}), message
    assert "1 without a label left out" in message


def test_the_first_of_each_class_by_number(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(as_zip(FILES))
    status, message, files = prepare(tmp_path, "archive", "--per-class", "2")
    assert sorted(files) == ["pictures/cat/cat.0.jpg", "pictures/cat/cat.2.jpg", "pictures/dog/dog.0.jpg"], message


def test_what_was_there_before_is_gone(tmp_path: Path) -> None:
    (tmp_path / "out" / "pictures" / "cat").mkdir(parents=True)
    (tmp_path / "out" / "pictures" / "cat" / "old.jpg").write_bytes(b"old")
    (tmp_path / "archive").write_bytes(as_zip(FILES))
    assert prepare(tmp_path, "archive")[2] == FLAT


def test_lists_lie_beside_the_pictures(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(as_zip(FILES))
    (tmp_path / "noise").write_text("cat.0\n")
    status, message, files = prepare(tmp_path, "archive", "--exclude", "noise", "--teacher", "")
    assert (status, files) == (0, FLAT | {"exclude.txt": b"cat.0\n"}), message


@pytest.mark.parametrize(
    ("files", "more", "reason"),
    [
        (
            {"a/cat/1.jpg": b"1", "b/cat/1.jpg": b"2", "dog/1.jpg": b"3"},
            [],
            "two files of the class 'cat' have the name 1.jpg",
        ),
        ({"cat/1.jpg": b"1"}, [], "no image of the class 'dog'"),
        (FILES, ["--teacher", "logits.csv"], "/logits.csv (prepare.teacher): a CSV file of logits"),
        ({"cat/1.jpg": bytes((32 << 20) + 1), "dog/1.jpg": b"1"}, [], "more than an image may have"),
    ],
    ids=["same name", "empty class", "no list", "too large"],
)
def test_refusals(tmp_path: Path, files: dict[str, bytes], more: list[str], reason: str) -> None:
    (tmp_path / "archive").write_bytes(as_zip(files))
    status, message, _ = prepare(tmp_path, "archive", *more)
    assert status == 1 and reason in message and "Traceback" not in message


def test_neither_folder_nor_archive(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(b"nothing of the kind")
    assert "neither a folder nor a tar nor a zip" in prepare(tmp_path, "archive")[1]


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_bytes(b"old")
    status, message, files = prepare(tmp_path, "absent", "--exclude", "noise", "--teacher", "logits")
    assert status == 1 and "Traceback" not in message
    for name, key in (("absent", "pictures"), ("noise", "exclude"), ("logits", "teacher")):
        assert f"{tmp_path / name} (prepare.{key}): " in message
    assert files == {"old": b"old"}, "nothing was removed before the check"


def test_names_dont_lead_out_of_the_output(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "archive").write_bytes(as_tar(FILES | {"../../cat.66.jpg": b"out"}, "w"))
    status, message, files = prepare(folder, "archive")
    assert (status, files) == (0, FLAT | {"pictures/cat/cat.66.jpg": b"out"}), message
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]
