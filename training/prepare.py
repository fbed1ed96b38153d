# SPDX-License-Identifier: Apache-2.0
"""Images as they are handed out → one folder per class, which `catdog-train` and `catdog evaluate` both take.

Takes a folder, a tar or a zip (also a zip of zips, as Kaggle's download is). A file's label is the name of its folder
(`Cat/0.jpg`) or the beginning of its own name (`train/cat.0.jpg`); files with neither are counted and left out. Which
images can be read, which are excluded and which split each is in, the trainer decides.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif"}
MOST_BYTES = 32 << 20  # the trainer's own limit


class Refused(Exception):
    """What is wrong with the input and what to do about it."""


def of_zip(file: BinaryIO, name: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
            if entry.is_dir():
                continue
            if entry.filename.lower().endswith(".zip"):
                yield from of_zip(io.BytesIO(archive.read(entry)), f"{name}/{entry.filename}")
            elif is_image(entry.filename):
                yield entry.filename, bounded(archive.read(entry), entry.file_size, f"{name}/{entry.filename}")


def of_tar(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path, "r|*") as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isfile() and is_image(entry.name) else None
            if content is not None:
                yield entry.name, bounded(content.read(MOST_BYTES + 1), entry.size, f"{path.name}/{entry.name}")


def of_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        if file.is_file() and is_image(file.name):
            yield file.relative_to(path).as_posix(), bounded(file.read_bytes(), file.stat().st_size, str(file))


def is_image(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def bounded(content: bytes, size: int, name: str) -> bytes:
    if size > MOST_BYTES:
        raise Refused(f"{name} has {size} bytes, more than an image may have ({MOST_BYTES}): remove it")
    return content


def images(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        yield from of_folder(path)
    elif zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield from of_zip(file, path.name)
    elif tarfile.is_tarfile(path):
        yield from of_tar(path)
    else:
        raise Refused(f"{path} is neither a folder nor a tar nor a zip")


def label_of(name: str, labels: list[str]) -> str | None:
    """The folder that a file is in decides; without such a folder its name's beginning."""
    path = PurePosixPath(name)
    for word in (path.parent.name.lower(), path.name.split(".")[0].lower()):
        if word in labels:
            return word
    return None


def in_order(file: Path) -> tuple[list[int], str]:
    """cat.2.jpg before cat.10.jpg."""
    return [int(number) for number in re.findall(r"\d+", file.stem)], file.name


def unpack(source: Path, labels: list[str], per_class: int, output: Path) -> dict[str, int]:
    """Images of each class; those without a label under the name ''."""
    count = dict.fromkeys([*labels, ""], 0)
    for label in labels:
        (output / label).mkdir(parents=True)
    for name, content in images(source):
        found = label_of(name, labels)
        count[found or ""] += 1
        if found is None:
            continue
        file = output / found / PurePosixPath(name).name
        if file.exists():
            raise Refused(f"two files of the class '{found}' have the name {file.name}: rename one")
        file.write_bytes(content)
    for label in labels:
        if count[label] == 0:
            raise Refused(
                f"no image of the class '{label}' in {source}: is it a folder {label}/ or names {label}.*.jpg?"
            )
        if per_class > 0:
            for file in sorted((output / label).iterdir(), key=in_order)[per_class:]:
                file.unlink()
                count[label] -= 1
    return count


def check_inputs(options: argparse.Namespace) -> None:
    """All that is missing is said at once, before anything is unpacked."""
    wanted = [
        (options.pictures, "prepare.pictures", "images as a folder, tar or zip: a folder for each class, or cat.0.jpg"),
        (options.exclude, "prepare.exclude", "a list of files to leave out, or set it to ''"),
        (options.teacher, "prepare.teacher", "a CSV file of logits, or set it to '' and train.distill-weight to 0"),
    ]
    missing = [
        f"\n  {options.source / name} ({key}): {what}"
        for name, key, what in wanted
        if name and not (options.source / name).exists()
    ]
    if missing:
        raise Refused(f"missing; put it there or change params.yaml (docs/experiments.md):{''.join(missing)}")


def copy_list(folder: Path, name: str, target: Path) -> None:
    if name:
        shutil.copyfile(folder / name, target)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="the folder of what the next three name")
    parser.add_argument("--pictures", required=True, help="folder, tar or zip")
    parser.add_argument("--exclude", default="", help="list of files that the trainer is to leave out")
    parser.add_argument("--teacher", default="", help="CSV of logits that the trainer is to distil from")
    parser.add_argument("--labels", nargs="+", required=True, help="the classes, such as cat dog")
    parser.add_argument("--per-class", type=int, default=0, help="only the first so many of each class, 0 = all")
    parser.add_argument("--output", type=Path, required=True, help="gets pictures/, exclude.txt, teacher.csv; replaced")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    try:
        check_inputs(options)
        if options.output.exists():
            shutil.rmtree(options.output)
        labels = [label.lower() for label in options.labels]
        count = unpack(options.source / options.pictures, labels, options.per_class, options.output / "pictures")
        copy_list(options.source, options.exclude, options.output / "exclude.txt")
        copy_list(options.source, options.teacher, options.output / "teacher.csv")
    except (Refused, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        print(f"prepare.py: {error}", file=sys.stderr)
        return 1
    without = count.pop("")
    print(", ".join(f"{number} {label}" for label, number in count.items()) + f"; {without} without a label left out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
