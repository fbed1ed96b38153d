# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong is a Python exception that says what was given and what is accepted."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import catdog
import pytest


@pytest.mark.parametrize("thing", [None, 3, 2.5, object(), ["a.jpg"], {}, open, type])
def test_what_is_not_an_image(classifier: catdog.Classifier, thing: Any) -> None:
    with pytest.raises(catdog.InputTypeError, match=r"not an image: .*; accepted are: a path .*uint8 array") as caught:
        classifier.classify(thing)
    assert isinstance(caught.value, TypeError) and isinstance(caught.value, catdog.InvalidArgumentError)
    assert type(thing).__name__ in str(caught.value)
    assert caught.value.status == "invalid_argument" and caught.value.code == 10


def test_file_objects_that_give_no_image(classifier: catdog.Classifier, cat: Path) -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise OSError("the line is dead")

    for file, error, words in (
        (io.BytesIO(b"x"), catdog.UnsupportedError, ""),
        (io.StringIO("x"), catdog.InputTypeError, "binary mode"),
        (Broken(), catdog.IoError, "the line is dead"),
    ):
        with pytest.raises(error, match=words):
            classifier.classify(file)  # type: ignore[arg-type]
        assert classifier.classify_batch([file])[0].status == error("").status  # type: ignore[list-item]
    with pytest.raises(catdog.InputTypeError, match="put it in a list"):
        classifier.classify_batch(io.BytesIO(b"x"))  # type: ignore[arg-type]
    with catdog.Classifier(max_encoded_bytes=100) as small, open(cat, "rb") as big:
        with pytest.raises(catdog.LimitError, match="max_encoded_bytes"):
            small.classify(big)
        assert big.tell() == 101  # Read no further than it must.


def test_arrays_of_the_wrong_type(classifier: catdog.Classifier) -> None:
    np = pytest.importorskip("numpy")
    for dtype, words in {
        **{"float32": "float32", "float64": "float64", "float16": "float16", "int8": "int8", "bool": "bool"},
        **{"uint16": "16-bit", "object": "Python objects", "int64": "format 'l'", "complex64": "format 'Zf'"},
        **{"S1": "format '1s'", "datetime64[s]": "datetime64"},
    }.items():
        with pytest.raises(catdog.InputTypeError) as caught:
            classifier.classify(np.zeros((8, 8, 3), dtype))
        assert words in str(caught.value).replace("'M'", "datetime64") and "uint8" in str(caught.value), dtype
    structured = np.zeros((8, 8), [("r", "u1"), ("g", "u1")])
    with pytest.raises(catdog.InputTypeError, match="uint8"):
        classifier.classify(structured)


def test_arrays_of_the_wrong_shape(classifier: catdog.Classifier) -> None:
    np = pytest.importorskip("numpy")
    for shape in ((), (2, 8, 8, 3), (1, 1, 8, 8, 3), (8, 8, 2), (8, 8, 5), (3, 8, 8)):
        with pytest.raises(catdog.InvalidArgumentError, match="is not") as caught:
            classifier.classify(np.zeros(shape, np.uint8))
        assert f"shape {shape}" in str(caught.value), shape
        assert isinstance(caught.value, ValueError)
    with pytest.raises(catdog.InvalidArgumentError, match="transpose"):
        classifier.classify(np.zeros((3, 8, 8), np.uint8))
    with pytest.raises(catdog.InvalidArgumentError, match="classify_batch"):
        classifier.classify(np.zeros((2, 8, 8, 3), np.uint8))
    for shape in ((0, 8, 3), (8, 0, 3), (8, 8, 0), (0, 0)):
        with pytest.raises(catdog.InvalidArgumentError, match="empty array"):
            classifier.classify(np.zeros(shape, np.uint8))


def test_arrays_beyond_the_limits(cat: Path) -> None:
    np = pytest.importorskip("numpy")
    with catdog.Classifier(max_pixels=100, max_side=20) as small:
        assert small.classify(np.zeros((10, 10), np.uint8)).ok
        for shape in ((11, 10), (1, 21), (21, 1)):
            for pixels in (np.zeros(shape, np.uint8), np.zeros(shape, np.uint8).T[::-1]):
                with pytest.raises(catdog.LimitError, match="max_pixels of 100"):
                    small.classify(pixels)
    with catdog.Classifier(max_decode_bytes=100) as small:
        with pytest.raises(catdog.LimitError, match="max_decode_bytes"):
            small.classify(cat)
    with catdog.Classifier(max_encoded_bytes=100) as small:
        data = cat.read_bytes()
        for image in (data, bytearray(data), memoryview(data), cat):
            with pytest.raises(
                catdog.LimitError, match="(?=.*bytes)(?=.*than the limit of 100; )(?=.*raise max_encoded_bytes)"
            ):
                small.classify(image)


def test_a_huge_view_of_one_pixel_is_not_copied(classifier: catdog.Classifier) -> None:
    np = pytest.importorskip("numpy")
    for shape in ((2**40, 2**20, 3), (60_000, 60_000, 3)):  # 3 EB would fit in no memory.
        with pytest.raises(catdog.LimitError):
            classifier.classify(np.broadcast_to(np.zeros((1, 1, 3), np.uint8), shape))


def test_bytes_that_are_no_image(classifier: catdog.Classifier, cat: Path) -> None:
    with pytest.raises(catdog.UnsupportedError, match="no bytes"):
        classifier.classify(b"")
    with pytest.raises(catdog.UnsupportedError, match="no bytes"):
        classifier.classify(bytearray())
    with pytest.raises(catdog.UnsupportedError):
        classifier.classify(b"neither a cat nor a dog")
    with pytest.raises(catdog.CorruptError) as caught:
        classifier.classify(cat.read_bytes()[:100_000])
    assert caught.value.status == "corrupt" and isinstance(caught.value, ValueError)


def test_paths_that_lead_nowhere(classifier: catdog.Classifier, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        classifier.classify(tmp_path / "ninguém.jpg")
    assert isinstance(caught.value, catdog.NotFoundError) and "ninguém.jpg" in str(caught.value)
    with pytest.raises(catdog.IoError) as io_error:
        classifier.classify(tmp_path)
    assert isinstance(io_error.value, OSError) and str(tmp_path) in str(io_error.value)
    with pytest.raises(catdog.NotFoundError, match=r"caf\\xe9"):
        classifier.classify(os.fsdecode(b"/nowhere/caf\xe9.jpg"))
    with pytest.raises(catdog.InvalidArgumentError, match="null"):
        classifier.classify("a\0b.jpg")
    with pytest.raises(catdog.InvalidArgumentError, match="empty"):
        classifier.classify("")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else and become them")
def test_a_file_that_may_not_be_read(tmp_path: Path, cat: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(cat.read_bytes())
    path.chmod(0)
    script = f"""
import os, catdog
classifier = catdog.Classifier()
os.seteuid(65534)
try:
    classifier.classify({str(path)!r})
except catdog.IoError as error:
    assert isinstance(error, OSError)
    print(error)
print(classifier.classify_batch([{str(path)!r}])[0].status)
"""
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o111)
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert told.stdout.splitlines()[-1:] == ["io"], told.stderr
    assert "Permission denied" in told.stdout and "secret.png" in told.stdout


def test_pil_images_that_cannot_be_used(classifier: catdog.Classifier, cat: Path, tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    for mode in ("I", "F", "I;16"):
        with pytest.raises(catdog.InputTypeError, match=mode):
            classifier.classify(image_module.new(mode, (8, 8)))
    with pytest.raises(catdog.InvalidArgumentError, match="empty PIL image"):
        classifier.classify(image_module.new("RGB", (0, 8)))
    (tmp_path / "cut.png").write_bytes(cat.read_bytes()[:100_000])
    with image_module.open(tmp_path / "cut.png") as cut:
        with pytest.raises(catdog.CorruptError, match="PIL can't read"):
            classifier.classify(cut)
    closed = image_module.open(cat)
    closed.close()
    with pytest.raises(catdog.InvalidArgumentError, match="the PIL image is closed"):
        classifier.classify(closed)
    with catdog.Classifier(max_side=300) as small:
        with pytest.raises(catdog.LimitError, match="max_side of 300"):
            small.classify(image_module.open(cat))


def test_a_batch_says_what_became_of_each(classifier: catdog.Classifier, cat: Path, tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    data = cat.read_bytes()
    images: list[Any] = [cat, tmp_path / "missing.jpg", tmp_path, b"text", data[:3000], None, "a\0", data]
    images += [image_module.new("F", (8, 8)), image_module.open(cat), b""]
    predictions = classifier.classify_batch(images)
    assert [item.status for item in predictions] == [
        *("ok", "not_found", "io", "unsupported", "corrupt", "invalid_argument", "invalid_argument", "ok"),
        *("invalid_argument", "ok", "unsupported"),
    ]
    for image, prediction in zip(images, predictions):
        if prediction.ok:
            assert prediction.label == "cat"
            continue
        with pytest.raises(catdog.Error) as caught:
            classifier.classify(image)
        assert (caught.value.status, str(caught.value)) == (prediction.status, prediction.message)
        assert (
            prediction.answer == prediction.label == ""
            and prediction.confidence == 0
            and prediction.probabilities == {}
        )
        assert isinstance(prediction.error, catdog.Error) and str(prediction.error) == prediction.message
        assert repr(prediction) == f"Prediction({prediction.status}: {prediction.message})"
    assert classifier.classify_batch([]) == []


def test_one_image_is_not_a_batch(classifier: catdog.Classifier, cat: Path) -> None:
    for one in (str(cat), cat, cat.read_bytes(), bytearray(5), memoryview(b"abc")):
        with pytest.raises(catdog.InputTypeError, match="put it in a list"):
            classifier.classify_batch(one)  # type: ignore[arg-type]
    with pytest.raises(catdog.InputTypeError, match="not int"):
        classifier.classify_batch(5)  # type: ignore[arg-type]
    np = pytest.importorskip("numpy")
    image_module = pytest.importorskip("PIL.Image")
    for one in (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8), image_module.open(cat)):
        with pytest.raises(catdog.InputTypeError, match="put it in a list"):
            classifier.classify_batch(one)


def test_an_iterable_that_fails_fails_the_batch(classifier: catdog.Classifier, cat: Path) -> None:
    def images() -> Any:
        yield cat
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        classifier.classify_batch(images())


def test_options_that_are_wrong(tmp_path: Path) -> None:
    for name, value, words in (
        ("threads", "two", "threads must be an integer, not str"),
        ("threads", 2**40, "threads"),
        ("threads", -1, "threads"),
        ("threads", 2**70, "threads is out of range"),
        ("max_side", 1.5, "max_side must be an integer, not float"),
        ("max_side", 0, "max_side"),
        ("timeout_ms", -1, "timeout_ms"),
        ("precision", 16, "precision must be a string, not int"),
        ("precision", "int3", "int3"),
        ("precision", "auto\0", "precision can't be"),
        ("engine", "steam", "steam"),
        ("abstain_below", "much", "abstain_below must be a number"),
        ("abstain_below", 2, "abstain_below"),
        ("abstain_below", float("nan"), "abstain_below"),
        ("expected_sha256", "12", "SHA-256|sha256"),
        ("trusted_key", "RWS", "minisign.pub"),
        ("signature", 5, "signature must be a string, not int"),
        ("torch_plugin", 5, "torch_plugin must be a path, not int"),
        ("log", 5, "log must be callable"),
    ):
        with pytest.raises(catdog.InvalidArgumentError, match=words):
            catdog.Classifier(**{name: value})
    with pytest.raises(catdog.InvalidArgumentError, match="channel_order must be 'rgb' or 'bgr', not 'hsv'"):
        with catdog.Classifier() as classifier:
            classifier.classify(b"", channel_order="hsv")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        catdog.Classifier(turbo=True)  # type: ignore[call-arg]


def test_models_that_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(catdog.NotFoundError, match="no.pt"):
        catdog.Classifier(tmp_path / "no.pt")
    (tmp_path / "text.pt").write_text("not a model")
    with pytest.raises(catdog.ModelFormatError) as caught:
        catdog.Classifier(tmp_path / "text.pt")
    assert isinstance(caught.value, catdog.ModelError)
    with pytest.raises(catdog.ModelFormatError):
        catdog.Classifier(b"not a model")
    with pytest.raises(catdog.ModelChecksumError):
        catdog.Classifier(expected_sha256="0" * 64)
    key = "RWS7twwZXJ5nhu5d/M+d9ZaU79HeuAgEVn6yNEeD4GQGUWKzOWWHeEEL"
    with pytest.raises(catdog.ModelChecksumError, match="text.pt.minisig"):
        catdog.Classifier(tmp_path / "text.pt", trusted_key=key)
    with pytest.raises(catdog.ModelChecksumError, match="minisign writes"):
        catdog.Classifier(tmp_path / "text.pt", trusted_key=key, signature="not one")
    with pytest.raises(catdog.InputTypeError, match="model must be a path"):
        catdog.Classifier(5)  # type: ignore[arg-type]
    with pytest.raises(catdog.InvalidArgumentError, match="NUL"):
        catdog.Classifier("a\0b")


def test_errors_mirror_the_statuses_and_can_be_pickled() -> None:
    from catdog import _catdog
    from catdog._errors import make_error

    codes = [10, 11, 20, 21, 30, 31, 32, 40, 41, 42, 43, 50, 51, 60, 70]
    names = {_catdog.status_name(code) for code in codes}
    assert len(names) == len(codes) and "unknown" not in names
    for code in codes:
        error = make_error(code, "why")
        assert type(error) is not catdog.Error and error.code == code and error.status == _catdog.status_name(code)
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error) and str(copy) == "why" and copy.code == code
    strange = pickle.loads(pickle.dumps(make_error(999, "new")))
    assert type(strange) is catdog.Error and strange.code == 999 and strange.status == "unknown"
