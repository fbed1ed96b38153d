# SPDX-License-Identifier: Apache-2.0
"""What a model file says of itself, for the scripts beside; standard library only."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def description(model: Path) -> dict[str, Any]:
    """The model file's catdog.json (docs/model-format.md)."""
    with zipfile.ZipFile(model) as archive:
        names = [name for name in archive.namelist() if name.split("/")[1:] == ["extra", "catdog.json"]]
        if len(names) != 1:
            raise ValueError(f"{model} has no catdog.json: it isn't a model file of catdog-train")
        content = json.loads(archive.read(names[0]))
    if not isinstance(content, dict):
        raise ValueError(f"{model}: catdog.json is not an object")
    return content
