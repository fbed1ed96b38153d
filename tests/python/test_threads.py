# SPDX-License-Identifier: Apache-2.0
"""One classifier, many threads; and arrays that change under a running call."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import catdog
import pytest


def test_many_threads_get_the_same_answers(classifier: catdog.Classifier, cat: Path, dog: Path) -> None:
    expected = [classifier.classify(path).probabilities for path in (cat, dog)]

    def work(_: int) -> list[Any]:
        one_by_one = [classifier.classify(path).probabilities for path in (cat, dog)]
        batch = [item.probabilities for item in classifier.classify_batch([cat, dog])]
        return [one_by_one, batch]

    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(work, range(40)):
            assert answers == [expected, expected]


def test_others_run_while_a_image_is_classified(classifier: catdog.Classifier) -> None:
    np = pytest.importorskip("numpy")
    # Turned pixels: the copy is part of the work. With the GIL held, the other thread could not take a single step
    # between the two reads of the clock.
    pixels = np.zeros((7000, 7000, 3), np.uint8).transpose(1, 0, 2)
    steps: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            steps.append(time.perf_counter())
            time.sleep(0)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)  # Nobody takes the GIL from somebody who doesn't release it.
    ticker = threading.Thread(target=tick)
    try:
        ticker.start()
        start = time.perf_counter()
        classifier.classify(pixels)
        end = time.perf_counter()
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        ticker.join()
    margin = (end - start) / 4
    assert any(start + margin < step < end - margin for step in steps)


def test_closing_while_others_use_it(cat: Path) -> None:
    data = cat.read_bytes()
    for _ in range(5):
        classifier = catdog.Classifier(threads=2)
        outcomes: list[str] = []

        def work(classifier: catdog.Classifier = classifier, outcomes: list[str] = outcomes) -> None:
            while True:
                try:
                    outcomes.append(classifier.classify(data).label)
                    outcomes.append(classifier.classify_batch([data] * 3)[2].label)
                except catdog.ClosedError:
                    return

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        while not outcomes:
            time.sleep(0.001)
        classifier.close()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        assert set(outcomes) == {"cat"}


def hammer(classify: Callable[[], object], change: Callable[[], None], rounds: int) -> None:
    """Calls `classify` while another thread calls `change`; only errors of this package may come out of it."""
    stop = threading.Event()

    def spoil() -> None:
        while not stop.is_set():
            change()

    spoiler = threading.Thread(target=spoil)
    spoiler.start()
    try:
        for _ in range(rounds):
            try:
                classify()
            except catdog.Error as error:
                assert error.status in ("corrupt", "unsupported", "limit"), error
    finally:
        stop.set()
        spoiler.join()


@pytest.mark.parametrize("name", ["baseline.jpg", "progressive.jpg", "rgb.png", "lossy.webp", "animated.gif"])
def test_encoded_data_that_changes_meanwhile(classifier: catdog.Classifier, golden: Path, name: str) -> None:
    original = (golden / name).read_bytes()
    data = bytearray(original)
    dice = random.Random(1)

    def change() -> None:
        at = dice.randrange(len(data))
        data[at] = dice.randrange(256)
        if dice.random() < 0.2:
            data[:] = original

    hammer(lambda: classifier.classify(data), change, 150)
    hammer(lambda: classifier.classify(memoryview(data).toreadonly()), change, 150)


def test_pixels_that_change_meanwhile(classifier: catdog.Classifier) -> None:
    np = pytest.importorskip("numpy")
    pixels = np.zeros((300, 400, 3), np.uint8)
    random_pixels = np.random.default_rng(1).integers(0, 256, pixels.shape, np.uint8)

    def change() -> None:
        pixels[:] = random_pixels
        pixels[:] = 255

    for view in (pixels, pixels[::-1, ::2]):
        hammer(lambda: classifier.classify(view), change, 150)
