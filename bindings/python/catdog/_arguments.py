# SPDX-License-Identifier: Apache-2.0
"""Checks of what the caller gave, whose errors name the argument."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Iterator
from typing import Any

from ._errors import InputTypeError, InvalidArgumentError, IoError
from ._pil import is_pil_image


def encode_path(name: str, path: str | os.PathLike[str] | os.PathLike[bytes]) -> bytes:
    try:
        encoded = os.fsencode(path)
    except TypeError:
        raise InputTypeError(f"{name} must be a path, not {type(path).__qualname__}") from None
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{name} is a path that no file can have: {error}") from None
    if b"\0" in encoded:
        raise InvalidArgumentError(f"{name} is a path that no file can have: it contains a NUL character")
    return encoded


def model_bytes(model: object) -> bytes:
    if isinstance(model, bytes):
        return model
    try:
        return memoryview(model).tobytes()  # type: ignore[arg-type]
    except TypeError:
        raise InputTypeError(
            f"model must be a path, the bytes of a model file, or None, not {type(model).__qualname__}"
        ) from None


def integer(name: str, value: object) -> int:
    try:
        number_ = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InputTypeError(f"{name} must be an integer, not {type(value).__qualname__}") from None
    if not -(2**63) <= number_ < 2**63:
        raise InvalidArgumentError(f"{name} is out of range: {number_}")
    return number_


def optional_integer(name: str, value: object) -> int | None:
    return None if value is None else integer(name, value)


def number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InputTypeError(f"{name} must be a number, not {value!r}") from None


def optional_number(name: str, value: object) -> float | None:
    return None if value is None else number(name, value)


def text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InputTypeError(f"{name} must be a string, not {type(value).__qualname__}")
    if not value.isascii() or "\0" in value:
        raise InvalidArgumentError(f"{name} can't be {value!r}")
    return value


def is_bgr(channel_order: object) -> bool:
    if channel_order == "rgb":
        return False
    if channel_order == "bgr":
        return True
    raise InvalidArgumentError(f"channel_order must be 'rgb' or 'bgr', not {channel_order!r}")


def each_image(images: Iterable[object], call: str) -> Iterator[object]:
    """The images of an iterable; refuses what is one image, whose items would be letters, numbers or rows."""
    if isinstance(images, (str, os.PathLike)) or is_pil_image(images) or is_file_object(images):
        raise InputTypeError(
            f"{call} takes an iterable of images, not one ({type(images).__qualname__}): put it in a list"
        )
    try:
        view = memoryview(images)  # type: ignore[arg-type]
    except (TypeError, ValueError, BufferError):
        pass
    else:
        # Elements of one byte are pixels or a file; arrays of text and of objects hold paths or images.
        if view.ndim != 4 and view.itemsize == 1:
            raise InputTypeError(
                f"{call} takes an iterable of images, not one ({type(images).__qualname__} of shape "
                f"{view.shape}): put it in a list; an array of images has the shape (count, height, width, channels)"
            )
    try:
        return iter(images)
    except TypeError:
        raise InputTypeError(f"{call} takes an iterable of images, not {type(images).__qualname__}") from None


def read_all(file: Any, limit: int) -> bytes:
    """The bytes of a file object, one more than the limit at most: the library can then say that they are too many."""
    try:
        data = file.read(limit + 1)
    except OSError as reason:
        raise IoError(f"the file object can't be read: {reason}") from reason
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise InputTypeError(
            f"read() of {type(file).__qualname__} gave {type(data).__qualname__}, not bytes: open it in binary mode"
        )
    return bytes(data)


def is_file_object(image: object) -> bool:
    """Whether its bytes come from read(): not so for what is in memory, such as an mmap."""
    if isinstance(image, (str, bytes, os.PathLike)) or not callable(getattr(image, "read", None)):
        return False
    try:
        memoryview(image)  # type: ignore[arg-type]
    except TypeError:
        return True
    return False


def source_of(image: object) -> str | None:
    """The path of an image, or the name that its file object or PIL image has."""
    if isinstance(image, (str, os.PathLike)):
        return os.fsdecode(image)
    for attribute in ("filename", "name"):
        name = getattr(image, attribute, None)
        if isinstance(name, (str, os.PathLike)) and os.fspath(name):
            return os.fsdecode(name)
    return None
