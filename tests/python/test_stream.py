# SPDX-License-Identifier: Apache-2.0
"""Streams: any number of images, in order, and few of them in memory."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import catdog
import pytest


def test_each_source_comes_with_its_prediction(classifier: catdog.Classifier, cat: Path, dog: Path) -> None:
    sources = [cat, str(dog), cat.read_bytes(), Path("missing.jpg"), dog] * 10
    seen = list(classifier.classify_stream(sources))
    assert [source for source, _ in seen] == sources
    assert [prediction.label for _, prediction in seen] == ["cat", "dog", "cat", "", "dog"] * 10
    assert [prediction.source for _, prediction in seen[:5]] == [str(cat), str(dog), None, "missing.jpg", str(dog)]
    assert seen[3][1].status == "not_found"


def test_what_else_holds_images(classifier: catdog.Classifier, cat: Path, dog: Path, tmp_path: Path) -> None:
    with open(cat, "rb") as file:
        assert classifier.classify(file).source == str(cat)
    named = io.BytesIO(dog.read_bytes())
    assert [prediction.label for _, prediction in classifier.classify_stream(iter([named]))] == ["dog"]
    with os.scandir(cat.parent) as entries:  # os.PathLike, each.
        listed = [entry for entry in entries if entry.name.endswith((".png", ".jpg"))]
    assert all(prediction.ok for prediction in classifier.classify_batch(listed))
    np = pytest.importorskip("numpy")
    for paths in (np.array([str(cat), str(dog)]), np.array([cat, str(dog)], dtype=object)):
        assert [prediction.label for prediction in classifier.classify_batch(paths)] == ["cat", "dog"]
    image_module = pytest.importorskip("PIL.Image")
    assert classifier.classify(image_module.open(cat)).source == str(cat)


class Endless:
    """Paths without end, and how far they were read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.given = 0

    def __iter__(self) -> Iterator[Path]:
        while True:
            self.given += 1
            yield self.path


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_it_reads_no_further_than_it_must_and_stops(threads: int, cat: Path) -> None:
    most = 1 if threads == 1 else 8 * threads
    images = Endless(cat)
    with catdog.Classifier("simple_cnn", threads=threads) as classifier:
        for number, (_, prediction) in enumerate(classifier.classify_stream(images)):
            assert prediction.label == "cat" and images.given <= number + most
            if number == 20:
                break
        assert images.given <= 21 + most
        assert classifier.classify(cat).ok


def test_bad_images_do_not_pile_up(classifier: catdog.Classifier, cat: Path) -> None:
    images: Any = Endless(cat)
    images.path = 5  # Refused before the library sees it.
    for number, (_, prediction) in enumerate(classifier.classify_stream(images)):
        assert prediction.status == "invalid_argument" and images.given == number + 1
        if number == 100:
            break


def test_large_copies_do_not_pile_up(cat: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    given = 0

    def images() -> Iterator[Any]:
        nonlocal given
        for _ in range(12):
            given += 1
            yield image_module.new("RGB", (6000, 6000))  # 108 MB: three are more than the 256 MiB.

    with catdog.Classifier("simple_cnn", threads=2) as classifier:
        for number, _ in enumerate(classifier.classify_stream(images())):
            assert given <= number + 3


def test_what_the_iterable_raises_comes_out(classifier: catdog.Classifier, cat: Path) -> None:
    def images() -> Iterator[Path]:
        yield cat
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(classifier.classify_stream(images()))


def test_it_says_at_once_what_is_wrong(classifier: catdog.Classifier, cat: Path) -> None:
    with pytest.raises(catdog.InputTypeError, match="classify_stream takes an iterable"):
        classifier.classify_stream(str(cat))
    with pytest.raises(catdog.InvalidArgumentError, match="channel_order"):
        classifier.classify_stream([cat], channel_order="hsv")  # type: ignore[arg-type]
    closed = catdog.Classifier()
    closed.close()
    with pytest.raises(catdog.ClosedError):
        closed.classify_stream([cat])


def test_a_stream_outlives_its_closed_classifier(cat: Path) -> None:
    with catdog.Classifier(threads=2) as classifier:
        stream = classifier.classify_stream([cat] * 30)
        next(stream)
    assert [prediction.label for _, prediction in stream] == ["cat"] * 29


def test_a_forked_child_and_the_end_of_the_interpreter(cat: Path) -> None:
    script = """
        import os, sys, catdog
        classifier = catdog.Classifier(threads=2)
        stream = classifier.classify_stream(iter([sys.argv[1]] * 100))
        next(stream)
        child = os.fork()
        if child == 0:
            try:
                for _ in stream:
                    pass
            except catdog.ForkedError:
                os._exit(7)
            os._exit(1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), next(stream)[1].label)
        """  # And ends with the stream half read.
    command = [sys.executable, "-c", textwrap.dedent(script), str(cat)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (told.returncode, told.stdout, told.stderr) == (0, "7 cat\n", "")


def test_a_timeout_is_a_limit(cat: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    held = io.BytesIO()
    image_module.effect_noise((3000, 3000), 90).convert("RGB").save(held, "JPEG", progressive=True, quality=95)
    with catdog.Classifier(timeout_ms=1) as classifier:
        with pytest.raises(catdog.LimitError, match="timeout"):
            classifier.classify(held.getvalue())
    with catdog.Classifier(timeout_ms=0) as classifier:
        assert classifier.classify(cat).ok
