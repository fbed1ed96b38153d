# SPDX-License-Identifier: Apache-2.0
"""One exception for each status of catdog.h, also a subclass of the built-in exception that it resembles."""

from __future__ import annotations

from . import _catdog


class Error(Exception):
    """A failed call. `status` is the stable name of what went wrong, such as "corrupt", and `code` its number."""

    code: int = 0

    @property
    def status(self) -> str:
        return _catdog.status_name(self.code)

    def __str__(self) -> str:  # OSError would show its errno.
        return str(self.args[0]) if self.args else ""


class InvalidArgumentError(Error, ValueError):
    """A value, a shape or a size that isn't accepted."""

    code = 10


class InputTypeError(InvalidArgumentError, TypeError):
    """Not an image at all: an object of another kind, or an array of something else than uint8."""


class ClosedError(InvalidArgumentError):
    """The classifier was closed."""


class ForkedError(InvalidArgumentError, RuntimeError):
    """The classifier was opened before a fork, and this is the child."""


class UnknownOptionError(Error, ValueError):
    """An option that this version of the library doesn't know."""

    code = 11


class NotFoundError(Error, FileNotFoundError):
    """The file doesn't exist."""

    code = 20


class IoError(Error, OSError):
    """The file exists and can't be read."""

    code = 21


class UnsupportedError(Error, ValueError):
    """Not an image format that is read."""

    code = 30


class CorruptError(Error, ValueError):
    """An image that is damaged beyond use."""

    code = 31


class LimitError(Error, ValueError):
    """The image breaks one of the limits that the classifier was opened with."""

    code = 32


class ModelError(Error):
    """Something about the model file."""


class ModelFormatError(ModelError, ValueError):
    """Not a model file, or a damaged one."""

    code = 40


class ModelVersionError(ModelError):
    """The model file is newer than the library."""

    code = 41


class ModelChecksumError(ModelError, ValueError):
    """The model file isn't the one that was expected."""

    code = 42


class ModelUnsupportedError(ModelError):
    """A valid model file that no available engine can run as asked."""

    code = 43


class EngineError(Error, RuntimeError):
    """Something about the engine that runs the model."""


class EngineUnavailableError(EngineError):
    """The engine that was asked for isn't installed."""

    code = 50


class EngineFailedError(EngineError):
    """The engine failed while it was running."""

    code = 51


class OutOfMemoryError(Error, MemoryError):
    """Memory ran out."""

    code = 60


class InternalError(Error, RuntimeError):
    """A defect of the library: please report it."""

    code = 70


_BY_CODE: dict[int, type[Error]] = {
    error.code: error
    for error in (
        InvalidArgumentError,
        UnknownOptionError,
        NotFoundError,
        IoError,
        UnsupportedError,
        CorruptError,
        LimitError,
        ModelFormatError,
        ModelVersionError,
        ModelChecksumError,
        ModelUnsupportedError,
        EngineUnavailableError,
        EngineFailedError,
        OutOfMemoryError,
        InternalError,
    )
}
_BY_KIND: dict[str, type[Error]] = {"type": InputTypeError, "closed": ClosedError, "forked": ForkedError}


def make_error(code: int, message: str, kind: str = "status") -> Error:
    """The exception for a status; the extension calls it. A status that this version doesn't know is a plain Error."""
    error = (_BY_KIND.get(kind) or _BY_CODE.get(code, Error))(message)
    if error.code != code:
        error.code = code
    return error
