# SPDX-License-Identifier: Apache-2.0
"""Pictures with their true labels, from one folder per label."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif"}


class Picture(NamedTuple):
    name: str
    label: str
    body: bytes
    content_type: str


def label_of(folder: str, labels: Sequence[str]) -> str | None:
    """The label that a folder's name means: 'cat', 'Cat' and 'cats' are all 'cat'."""
    name = folder.lower()
    return next((label for label in labels if name in (label.lower(), label.lower() + "s")), None)


def as_form(path: Path, label: str) -> Picture:
    """The picture as the form that a browser would send."""
    content, boundary = path.read_bytes(), uuid.uuid4().hex.encode()
    part = b'Content-Disposition: form-data; name="file"; filename="picture"'
    body = b"--%b\r\n%b\r\n\r\n%b\r\n--%b--\r\n" % (boundary, part, content, boundary)
    return Picture(path.name, label, body, f"multipart/form-data; boundary={boundary.decode()}")


def read_pictures(folder: Path, labels: Sequence[str], most: int, seed: int) -> list[Picture]:
    """At most so many pictures, drawn by chance and as many of each label as there are; in a random order."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    chance = random.Random(seed)
    chosen: list[tuple[Path, str]] = []
    found: dict[str, list[Path]] = {label: [] for label in labels}
    for sub in sorted(path for path in folder.iterdir() if path.is_dir()):
        label = label_of(sub.name, labels)
        if label is not None:
            found[label] += sorted(path for path in sub.rglob("*") if path.suffix.lower() in SUFFIXES)
    missing = [label for label in labels if not found[label]]
    if missing:
        raise ValueError(f"{folder} has no folder of pictures for: {', '.join(missing)} (the labels of the model)")
    for position, label in enumerate(labels):
        share = (most - len(chosen)) // (len(labels) - position)
        chosen += [(path, label) for path in chance.sample(found[label], min(share, len(found[label])))]
    chance.shuffle(chosen)
    return [as_form(path, label) for path, label in chosen]
