# SPDX-License-Identifier: Apache-2.0
"""What an image turned out to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import _catdog
from ._errors import Error, make_error


class Timings(NamedTuple):
    """Where one image's time went, in milliseconds of wall-clock time."""

    read_ms: float = 0.0
    decode_ms: float = 0.0
    preprocess_ms: float = 0.0
    infer_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True)
class Prediction:
    """The verdict on one image: a plain value that can be pickled and doesn't need the classifier.

    In a batch an image may fail: then `ok` is false, `error` is the exception that `classify` would have raised,
    `answer` and `label` are "" and `confidence` is 0.
    """

    answer: str
    """What to tell people: a label, "neither" or "uncertain"."""
    reason: str
    """Why: "label", "neither" or "low_confidence"."""
    neither: float | None
    """How probable it is that the image shows none of the labels, 0 to 1; None: the model has no such score."""
    trust: float
    """How probable it is that the label is right: confidence * (1 - neither)."""
    label: str
    """Most probable label. Every image has one, even that of a chair: see `answer`."""
    confidence: float
    """Its calibrated probability, 0 to 1, given that the image shows one of the labels."""
    probabilities: Mapping[str, float] = field(hash=False)
    """Calibrated probability of every label; they add up to 1. Empty when the image failed."""
    abstained: bool
    """Whether the answer is no label: "neither" or "uncertain"."""
    width: int
    """Pixels, as a viewer shows the image."""
    height: int
    format: str
    """"jpeg", "png", "webp", "gif", "raw" or "other"."""
    timings: Timings = field(compare=False)
    code: int = 0
    """The status as a number, 0 for ok: see `status`."""
    message: str = ""
    """Why the image failed; "" when it didn't."""
    source: str | None = field(default=None, compare=False)
    """The image's path, or the name of the file object or PIL image; None: it has none."""

    @property
    def ok(self) -> bool:
        """Whether the image was classified."""
        return self.code == 0

    @property
    def status(self) -> str:
        """ "ok", or the name of what went wrong, such as "corrupt"."""
        return _catdog.status_name(self.code)

    @property
    def error(self) -> Error | None:
        """The exception that says why the image failed; None when it didn't."""
        return None if self.ok else make_error(self.code, self.message)

    def to_dict(self) -> dict[str, Any]:
        """One flat row of built-in types, fit for JSON and pandas.DataFrame: source, status, answer, label, confidence,
        p_<label> for each label, neither, trust, reason, abstained, width, height, format, read_ms, decode_ms,
        preprocess_ms, infer_ms, total_ms, message. An image that failed has no p_<label>."""
        return {
            "source": self.source,
            "status": self.status,
            "answer": self.answer,
            "label": self.label,
            "confidence": self.confidence,
            **{f"p_{label}": probability for label, probability in self.probabilities.items()},
            "neither": self.neither,
            "trust": self.trust,
            "reason": self.reason,
            "abstained": self.abstained,
            "width": self.width,
            "height": self.height,
            "format": self.format,
            **self.timings._asdict(),
            "message": self.message,
        }

    def __repr__(self) -> str:
        if not self.ok:
            return f"Prediction({self.status}: {self.message})"
        image = f"{self.width}x{self.height} {self.format}"
        return f"Prediction({self.answer}, trust={self.trust:.3f}, {image}, {self.timings.total_ms:.1f} ms)"


def from_raw(raw: _catdog.Raw, source: str | None) -> Prediction:
    """A prediction from the extension's tuple."""
    code, message, answer, reason, neither, trust, label, confidence, probabilities, abstained, *_ = raw
    width, height, format_, timings = raw[10:]
    return Prediction(
        answer,
        reason,
        neither,
        trust,
        label,
        confidence,
        probabilities,
        abstained,
        width,
        height,
        format_,
        Timings._make(timings),
        code,
        message,
        source,
    )


def from_error(error: Error, source: str | None) -> Prediction:
    """What a stream says of an image that failed before the library saw it."""
    return Prediction("", "", None, 0.0, "", 0.0, {}, False, 0, 0, "", Timings(), error.code, str(error), source)
