# SPDX-License-Identifier: Apache-2.0
"""Is it a cat or a dog? The Python interface of libcatdog.

    >>> import catdog
    >>> with catdog.Classifier() as classifier:
    ...     print(classifier.classify("pet.jpg"))
    Prediction(dog, trust=0.993, 640x480 jpeg, 1.9 ms)

A classifier never changes after it was opened: any number of threads may use one at once, and each call releases the
GIL while it works. Whatever fails raises a subclass of catdog.Error that says what is wrong and what to do about it.
"""

from . import _catdog
from ._classifier import ChannelOrder, Classifier, FileObject, Image, PixelArray, explain
from ._command import evaluate
from ._errors import (
    ClosedError,
    CorruptError,
    EngineError,
    EngineFailedError,
    EngineUnavailableError,
    Error,
    ForkedError,
    InputTypeError,
    InternalError,
    InvalidArgumentError,
    IoError,
    LimitError,
    ModelChecksumError,
    ModelError,
    ModelFormatError,
    ModelUnsupportedError,
    ModelVersionError,
    NotFoundError,
    OutOfMemoryError,
    UnknownOptionError,
    UnsupportedError,
)
from ._explanation import Explanation
from ._pil import PilImage
from ._prediction import Prediction, Timings

__version__: str = _catdog.version()

__all__ = [
    "ChannelOrder",
    "Classifier",
    "ClosedError",
    "CorruptError",
    "EngineError",
    "EngineFailedError",
    "EngineUnavailableError",
    "Error",
    "Explanation",
    "FileObject",
    "ForkedError",
    "InputTypeError",
    "InternalError",
    "InvalidArgumentError",
    "IoError",
    "LimitError",
    "ModelChecksumError",
    "ModelError",
    "ModelFormatError",
    "ModelUnsupportedError",
    "ModelVersionError",
    "NotFoundError",
    "OutOfMemoryError",
    "Image",
    "PilImage",
    "PixelArray",
    "Prediction",
    "Timings",
    "UnknownOptionError",
    "UnsupportedError",
    "__version__",
    "evaluate",
    "explain",
]
