# SPDX-License-Identifier: Apache-2.0
"""PIL images as arrays, without importing PIL: whoever has such an image has imported it."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from ._errors import CorruptError, InputTypeError, InvalidArgumentError, LimitError

_ORIENTATION = 0x0112  # The EXIF tag.
_CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}


class PilImage(Protocol):
    """What is used of a PIL.Image.Image."""

    @property
    def mode(self) -> str:
        ...

    @property
    def size(self) -> tuple[int, int]:
        ...

    def tobytes(self) -> bytes:
        ...


def is_pil_image(image: object) -> bool:
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def pixels_of(image: Any, max_side: int, max_pixels: int) -> memoryview:
    """The pixels of an image, upright as its EXIF orientation says, as an array of (height, width[, channels])."""
    width, height = image.size
    if width == 0 or height == 0:
        raise InvalidArgumentError(f"an empty PIL image, of {width}x{height} pixels, is not an image")
    if width > max_side or height > max_side or width * height > max_pixels:
        raise LimitError(
            f"the PIL image has {width}x{height} pixels, more than the limits max_side of {max_side} and max_pixels "
            f"of {max_pixels} allow; shrink it, or raise them"
        )
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise InputTypeError(
            f"a PIL image of mode {image.mode!r} is not accepted, for it doesn't say which value is white; scale it to "
            "mode 'L' first, or pass the file itself"
        )
    try:
        if image.getexif().get(_ORIENTATION, 1) != 1:
            image = _upright(image)
        if image.mode not in _CHANNELS:
            image = _converted(image)
        data = image.tobytes()
    except (OSError, SyntaxError, ValueError) as reason:  # PIL reads the file only now.
        if "closed image" in str(reason):
            raise InvalidArgumentError("the PIL image is closed; classify it before you close it") from reason
        raise CorruptError(f"PIL can't read the image: {reason}") from reason
    channels = _CHANNELS[image.mode]
    width, height = image.size
    shape = (height, width) if channels == 1 else (height, width, channels)
    return memoryview(data).cast("B", shape)


def _upright(image: Any) -> Any:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _converted(image: Any) -> Any:
    if image.mode == "La":  # PIL converts it to nothing but LA.
        image = image.convert("LA")
    if image.mode in ("LA", "PA", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")
