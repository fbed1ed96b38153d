# SPDX-License-Identifier: Apache-2.0
"""Images of three made-up animals, for tests of models with labels of one's own."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

LABELS = ("cat", "dog", "rabbit")
SIDE = 96


def png(rows: list[bytes]) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def animal(label: str, seed: int) -> bytes:
    """A PNG: lines across, lines down, or a chequerboard, in any two colours and sizes."""
    dice = random.Random(f"{label} {seed}")
    dark = [dice.randrange(100) for _ in range(3)]
    bright = [dice.randrange(150, 256) for _ in range(3)]
    width = dice.randrange(6, 14)
    rows = []
    for y in range(SIDE):
        row = bytearray()
        for x in range(SIDE):
            across, down = y // width % 2, x // width % 2
            on = {"cat": across, "dog": down, "rabbit": across ^ down}[label]
            row += bytes(bright if on else dark)
        rows.append(bytes(row))
    return png(rows)


def write_pets(folder: Path, each: int) -> None:
    """`each` images in a folder for each label."""
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for seed in range(each):
            (folder / label / f"{label}{seed}.png").write_bytes(animal(label, seed))
