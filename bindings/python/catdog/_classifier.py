# SPDX-License-Identifier: Apache-2.0
"""The classifier as Python sees it: checks, PIL images, batches, pickling. The work is done in _catdog."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, Union

from . import _catdog
from ._arguments import (
    each_image,
    encode_path,
    integer,
    is_bgr,
    is_file_object,
    model_bytes,
    optional_integer,
    optional_number,
    read_all,
    source_of,
    text,
)
from ._errors import Error, InputTypeError, InvalidArgumentError
from ._explanation import Explanation
from ._pil import PilImage, is_pil_image, pixels_of
from ._prediction import Prediction, from_error, from_raw

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Buffer, Self, TypeAlias

    Path: TypeAlias = Union[str, os.PathLike[str], os.PathLike[bytes]]


class PixelArray(Protocol):
    """An array as numpy has it. Its type says that it has the buffer protocol from Python 3.12 on only."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        ...


class FileObject(Protocol):
    """A file opened in binary mode, io.BytesIO, and others that have read()."""

    def read(self, size: int, /) -> Any:
        ...


# A string at run time, so that neither typing_extensions nor PIL is needed.
Image: TypeAlias = "Union[Path, Buffer, PixelArray, PilImage, FileObject]"
"""What can be classified: a path; the bytes of a JPEG, PNG, WebP or GIF file in anything with the buffer protocol, or
from a file object; a uint8 array of shape (height, width), (height, width, 3) or (height, width, 4); a PIL image."""

ImageT = TypeVar("ImageT", bound="Image")

ChannelOrder: TypeAlias = "Literal['rgb', 'bgr']"

_HELD_BYTES = 256 * 1024 * 1024  # Of copies that wait in a stream: PIL's pixels and what read() gave.


class Classifier:
    """A model that is ready to classify.

    Any number of threads may use one at once; the GIL is released while they work. Use it in a `with` statement, or
    `close()` it, to give its memory and threads back at a known time.

        >>> with catdog.Classifier() as classifier:
        ...     classifier.classify("pet.jpg").answer
        'dog'

    A classifier can be pickled: it is opened again where it is unpickled, and refuses to be another model. It can't be
    used in a forked child: there every call raises ForkedError.
    """

    __slots__ = ("_core", "_state", "__weakref__")

    def __init__(
        self,
        model: Path | Buffer | None = None,
        *,
        threads: int = 0,
        precision: Literal["auto", "fp32", "bf16", "int8"] = "auto",
        engine: Literal["auto", "native", "torch"] = "auto",
        abstain_below: float | None = None,
        neither_above: float | None = None,
        min_precision: float | None = None,
        self_test: bool = True,
        max_encoded_bytes: int | None = None,
        max_pixels: int | None = None,
        max_side: int | None = None,
        max_scans: int | None = None,
        max_decode_bytes: int | None = None,
        timeout_ms: int | None = None,
        expected_sha256: str = "",
        trusted_key: str = "",
        signature: str = "",
        torch_plugin: Path = "",
        log: Callable[[int, str], object] | None = None,
        log_level: int = 20,
    ) -> None:
        """Opens a model.

        model: path of a model file, a shipped model's name such as "simple_cnn", or a file's bytes; None: the model
            that the environment variable CATDOG_MODEL names, or the one that is shipped.
        threads: threads of a batch call or a stream; 0: as many as the CPU quota of the control group allows.
        precision: "auto" takes the fastest that this machine and this model can do.
        engine: "auto" is "native"; "torch" executes the program in the model file: only for files that you trust.
        abstain_below: with less trust the answer is "uncertain", 0 to 1; None: the model's own threshold.
        neither_above: with a score for neither above it the answer is "neither"; 1: never; None: the model's own.
        min_precision: instead of abstain_below: the share of answers that must be right, by the model's own figures.
        self_test: whether to run the model file's own test while opening it.
        max_encoded_bytes, max_pixels, max_side, max_scans, max_decode_bytes: limits on an image's file size, pixels,
            longer side, on the scans of a progressive JPEG, and on the memory to decode it; what exceeds them raises
            LimitError. None: the library's defaults.
        timeout_ms: milliseconds that one image may take; a longer one raises LimitError. None or 0: any.
        expected_sha256: 64 hex digits that the model file's SHA-256 must equal; "" for any.
        trusted_key: public key of minisign, or the text of minisign.pub: the model must have a signature of it.
        signature: the text of that signature; "" for the file beside the model, with ".minisig" after its name.
        torch_plugin: path of libcatdog-torch.so; "" for the usual places.
        log: called with (level, message) for messages of log_level and above, from any thread; the levels are those of
            the module logging, so that logging.getLogger("catdog").log fits.
        """
        if model is None or isinstance(model, (str, os.PathLike)):
            path = None if model is None else encode_path("model", model)
            data = None
            reopen: Any = None if path is None else os.fsdecode(path)
            # A relative path must mean the same file after chdir() and in another process; a name is none.
            if reopen and ("/" in reopen or reopen.endswith(".pt")):
                reopen = os.path.abspath(reopen)
        else:
            path, data = None, model_bytes(model)
            reopen = data
        options: dict[str, Any] = {
            "threads": integer("threads", threads),
            "precision": text("precision", precision),
            "engine": text("engine", engine),
            "abstain_below": optional_number("abstain_below", abstain_below),
            "neither_above": optional_number("neither_above", neither_above),
            "min_precision": optional_number("min_precision", min_precision),
            "self_test": bool(self_test),
            "max_encoded_bytes": optional_integer("max_encoded_bytes", max_encoded_bytes),
            "max_pixels": optional_integer("max_pixels", max_pixels),
            "max_side": optional_integer("max_side", max_side),
            "max_scans": optional_integer("max_scans", max_scans),
            "max_decode_bytes": optional_integer("max_decode_bytes", max_decode_bytes),
            "timeout_ms": optional_integer("timeout_ms", timeout_ms),
            "expected_sha256": text("expected_sha256", expected_sha256),
            "trusted_key": text("trusted_key", trusted_key),
            "signature": text("signature", signature),
            "torch_plugin": encode_path("torch_plugin", torch_plugin),
            "log": log,
            "log_level": integer("log_level", log_level),
        }
        if log is not None and not callable(log):
            raise InputTypeError(f"log must be callable with (level, message), not {type(log).__qualname__}")
        self._core = _catdog.Core(path=path, data=data, **options)
        # Wherever it is opened again, it must be the same model.
        options["expected_sha256"] = self._core.info(_catdog.INFO_MODEL_SHA256)
        options["torch_plugin"] = os.fsdecode(options["torch_plugin"])
        self._state = (reopen, options)

    def classify(self, image: Image, *, channel_order: ChannelOrder = "rgb") -> Prediction:
        """Classifies one image; raises a subclass of Error when that fails.

        channel_order: "bgr" for arrays as OpenCV makes them; it says nothing about files and PIL images.

        Arrays are used where they are, without a copy, when each row's bytes are contiguous; other strides, negative
        ones too, cost one copy of the pixels. An array may be changed by other threads meanwhile: then the prediction
        may be about a mixture of the old and the new image.
        """
        given, bgr, _ = self._prepare(image, is_bgr(channel_order))
        return from_raw(self._core.classify(given, bgr), source_of(image))

    def explain(self, image: Image, *, label: str | None = None, channel_order: ChannelOrder = "rgb") -> Explanation:
        """Classifies one image and says where in it the network sees a label; raises as `classify` does.

        label: one of `labels`; None: the most probable one.

        Raises ModelUnsupportedError with the torch engine, and for a network that doesn't end with one global average
        pooling and layers on its result.
        """
        if label is not None and label not in self.labels:
            raise InvalidArgumentError(f"this model has no label {label!r}; it has {', '.join(self.labels)}")
        index = -1 if label is None else self.labels.index(label)
        given, bgr, _ = self._prepare(image, is_bgr(channel_order))
        return Explanation(self._core.explain(given, bgr, index), source_of(image), self.labels)

    def classify_stream(
        self, sources: Iterable[ImageT], *, channel_order: ChannelOrder = "rgb"
    ) -> Iterator[tuple[ImageT, Prediction]]:
        """Classifies any number of images on the classifier's threads; yields (source, prediction) in their order.

            for path, prediction in classifier.classify_stream(Path("photos").glob("*.jpg")):
                print(path, prediction.answer)

        An image that fails doesn't raise: its prediction has `ok` false, its status and an `error`. Only a few images
        are in memory at once; the iterable is read as the work goes on, and no further when the loop ends.
        """
        return self._stream(self._core.stream(), each_image(sources, "classify_stream"), is_bgr(channel_order))

    def classify_batch(self, images: Iterable[Image], *, channel_order: ChannelOrder = "rgb") -> list[Prediction]:
        """The predictions of classify_stream() in a list."""
        each = each_image(images, "classify_batch")
        return [prediction for _, prediction in self._stream(self._core.stream(), each, is_bgr(channel_order))]

    def _prepare(self, image: object, bgr: bool) -> tuple[object, bool, int]:
        """What the extension takes, whether it is BGR, and the bytes that were copied."""
        if is_pil_image(image):
            pixels = pixels_of(image, self._core.max_side, self._core.max_pixels)
            return pixels, False, pixels.nbytes
        if is_file_object(image):
            data = read_all(image, self._core.max_encoded_bytes)
            return data, False, len(data)
        return image, bgr, 0

    def _stream(
        self, stream: _catdog.ImageStream, sources: Iterator[Any], bgr: bool
    ) -> Iterator[tuple[Any, Prediction]]:
        most = stream.room
        waiting: deque[tuple[Any, Error | None, int]] = deque()
        held = 0

        def next_one() -> tuple[Any, Prediction]:
            nonlocal held
            source, error, copied = waiting.popleft()
            held -= copied
            if error is not None:
                return source, from_error(error, source_of(source))
            return source, from_raw(stream.take(), source_of(source))

        for source in sources:
            try:
                given, is_bgr_, copied = self._prepare(source, bgr)
                stream.add(given, is_bgr_)
                waiting.append((source, None, copied))
                held += copied
            except Error as error:
                waiting.append((source, error, 0))
            while waiting and (len(waiting) >= most or held > _HELD_BYTES or waiting[0][1] is not None or stream.ready):
                yield next_one()
        while waiting:
            yield next_one()

    def warm_up(self, threads: int = 0) -> None:
        """Runs the model until memory and caches are warm for that many callers at once; 0: for a batch."""
        self._core.warm_up(integer("threads", threads))

    def close(self) -> None:
        """Gives memory and threads back. Calls that other threads are making finish; later ones raise ClosedError."""
        self._core.close()

    @property
    def closed(self) -> bool:
        return self._core.closed

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels by index; in the shipped model ("cat", "dog")."""
        return self._core.labels

    @property
    def engine(self) -> str:
        """ "native" or "torch"."""
        return self._core.info(_catdog.INFO_ENGINE)

    @property
    def precision(self) -> str:
        """ "fp32", "bf16" or "int8": what "auto" became."""
        return self._core.info(_catdog.INFO_PRECISION)

    @property
    def threads(self) -> int:
        """Threads of a batch call or a stream."""
        return self._core.integer(_catdog.INFO_THREADS)

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height in pixels of what the network sees."""
        return self._core.integer(_catdog.INFO_INPUT_WIDTH), self._core.integer(_catdog.INFO_INPUT_HEIGHT)

    @property
    def metadata(self) -> dict[str, Any]:
        """Facts about the model: name, version, sha256, path, and under "model" all of the model file's catdog.json."""
        return {
            "name": self._core.info(_catdog.INFO_MODEL_NAME),
            "version": self._core.info(_catdog.INFO_MODEL_VERSION),
            "sha256": self._core.info(_catdog.INFO_MODEL_SHA256),
            "path": self._core.info(_catdog.INFO_MODEL_PATH),
            "model": json.loads(self._core.info(_catdog.INFO_MODEL_JSON)),
        }

    def __enter__(self) -> Self:
        if self.closed:
            self.warm_up()  # Raises ClosedError, as every call does.
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[..., Classifier], tuple[Any, dict[str, Any]]]:
        return _reopen, self._state

    def __repr__(self) -> str:
        if self.closed:
            return "<catdog.Classifier, closed>"
        try:
            name = f"{self._core.info(_catdog.INFO_MODEL_NAME)} {self._core.info(_catdog.INFO_MODEL_VERSION)}"
            return (
                f"<catdog.Classifier {name}: {', '.join(self.labels)}; {self.engine} {self.precision}, "
                f"threads={self.threads}>"
            )
        except Error as error:
            return f"<catdog.Classifier, unusable: {error}>"


def _reopen(model: Path | bytes | None, options: dict[str, Any]) -> Classifier:
    return Classifier(model, **options)


def explain(image: Image, *, label: str | None = None, model: Path | Buffer | None = None) -> Explanation:
    """Where in one image the network sees a label: Classifier(model).explain(image, label=label)."""
    with Classifier(model) as classifier:
        return classifier.explain(image, label=label)
