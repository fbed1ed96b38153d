# SPDX-License-Identifier: Apache-2.0
"""One image handed over in every way there is: the prediction is the same."""

from __future__ import annotations

import array
import mmap
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import catdog
import pytest

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def rgb(cat: Path) -> Any:
    return np.ascontiguousarray(np.asarray(Image.open(cat).convert("RGB")))


@pytest.fixture(scope="module")
def expected(classifier: catdog.Classifier, cat: Path) -> float:
    return classifier.classify(cat).probabilities["cat"]


def p_cat(classifier: catdog.Classifier, image: Any, **options: Any) -> float:
    return classifier.classify(image, **options).probabilities["cat"]


def test_encoded_bytes(classifier: catdog.Classifier, cat: Path, expected: float) -> None:
    data = cat.read_bytes()
    apart = bytearray(2 * len(data))
    apart[::2] = data
    for image in (
        *(data, bytearray(data), memoryview(data), memoryview(bytearray(data)), memoryview(data).cast("c")),
        *(array.array("B", data), np.frombuffer(data, np.uint8), memoryview(apart)[::2]),
        np.frombuffer(data[::-1], np.uint8)[::-1],
    ):
        prediction = classifier.classify(image)
        assert prediction.probabilities["cat"] == expected and prediction.format == "png", type(image)
    with open(cat, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert p_cat(classifier, mapped) == expected


def test_paths(classifier: catdog.Classifier, cat: Path, expected: float, tmp_path: Path) -> None:
    for name in ("gato ñandú.png", "猫.png", "котик\n.png", os.fsdecode(b"caf\xe9.png")):
        path = tmp_path / name
        shutil.copy(cat, path)
        assert p_cat(classifier, str(path)) == expected
        assert p_cat(classifier, path) == expected
        assert [item.probabilities["cat"] for item in classifier.classify_batch([path])] == [expected]


def test_arrays_in_rgb_and_bgr(classifier: catdog.Classifier, rgb: Any, expected: float) -> None:
    assert p_cat(classifier, rgb) == expected
    assert classifier.classify(rgb).format == "raw"
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    assert p_cat(classifier, bgr, channel_order="bgr") == expected
    assert p_cat(classifier, bgr) != expected
    assert p_cat(classifier, bgr[..., ::-1]) == expected
    assert p_cat(classifier, rgb[..., ::-1], channel_order="bgr") == expected


def test_arrays_with_alpha_and_grey(classifier: catdog.Classifier, rgb: Any, expected: float) -> None:
    opaque = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    assert p_cat(classifier, opaque) == expected
    assert p_cat(classifier, np.ascontiguousarray(opaque[..., [2, 1, 0, 3]]), channel_order="bgr") == expected
    white = p_cat(classifier, np.full((300, 451, 3), 255, np.uint8))
    assert p_cat(classifier, np.dstack([rgb, np.zeros(rgb.shape[:2], np.uint8)])) == white != expected
    grey = np.ascontiguousarray(rgb[..., 1])
    as_rgb = p_cat(classifier, np.dstack([grey] * 3))
    assert p_cat(classifier, grey) == p_cat(classifier, grey[..., None]) == as_rgb != expected


def test_every_layout_of_the_same_pixels(classifier: catdog.Classifier, rgb: Any, expected: float) -> None:
    height, width, _ = rgb.shape
    padded = np.zeros((height, width + 7, 3), np.uint8)
    padded[:, :width] = rgb
    wide = np.zeros((height, width, 5), np.uint8)
    wide[..., 1:4] = rgb
    double = np.repeat(np.repeat(rgb, 2, axis=0), 3, axis=1)
    layouts = {
        "rows with padding": padded[:, :width],
        "pixels with padding": wide[..., 1:4],
        "planes": np.ascontiguousarray(rgb.transpose(2, 0, 1)).transpose(1, 2, 0),
        "columns first": np.asfortranarray(rgb),
        "every second row, every third column": double[::2, ::3],
        "rows from the bottom": np.ascontiguousarray(rgb[::-1])[::-1],
        "columns from the right": np.ascontiguousarray(rgb[:, ::-1])[:, ::-1],
        "all reversed": np.ascontiguousarray(rgb[::-1, ::-1, ::-1])[::-1, ::-1, ::-1],
        "read-only": np.frombuffer(rgb.tobytes(), np.uint8).reshape(rgb.shape),
        "memoryview": memoryview(rgb),
    }
    for name, layout in layouts.items():
        assert np.array_equal(layout, rgb)
        assert p_cat(classifier, layout) == expected, name
    predictions = classifier.classify_batch(layouts.values())
    assert [item.probabilities["cat"] for item in predictions] == [expected] * len(layouts)


def test_arrays_that_repeat_themselves(classifier: catdog.Classifier) -> None:
    row = np.random.default_rng(1).integers(0, 256, (1, 50, 3), np.uint8)
    for view in (np.broadcast_to(row, (40, 50, 3)), np.broadcast_to(row[:, :1], (40, 50, 3))):
        assert 0 in view.strides
        assert p_cat(classifier, view) == p_cat(classifier, np.ascontiguousarray(view))
    for shape in ((1, 50, 3), (50, 1, 3), (1, 1, 4), (1, 1)):
        pixels = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
        assert p_cat(classifier, pixels[::-1]) == p_cat(classifier, np.ascontiguousarray(pixels[::-1]))


def test_contiguous_pixels_are_not_copied(cat: Path) -> None:
    # In a process with room for the image and half of another one: a copy would fail, as the last line does.
    script = """
import resource, sys, numpy, catdog
pixels = numpy.zeros((12000, 12000, 3), numpy.uint8)
classifier = catdog.Classifier(threads=1, max_pixels=144_000_000)
classifier.classify(pixels[:300, :300])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + pixels.nbytes // 2,) * 2)
for view in (pixels, pixels[:, 10:], pixels[10:]):
    assert classifier.classify(view).ok
try:
    classifier.classify(pixels[::-1])
except MemoryError:
    print("no memory for a copy")
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert told.stdout == "no memory for a copy\n", told.stderr


def test_pil_images(classifier: catdog.Classifier, cat: Path, expected: float) -> None:
    image = Image.open(cat)
    assert p_cat(classifier, image) == expected
    assert p_cat(classifier, image.convert("RGB")) == expected
    assert p_cat(classifier, image.convert("RGBA")) == expected
    grey = image.convert("L")
    assert p_cat(classifier, grey) == p_cat(classifier, np.asarray(grey))
    black_and_white = image.convert("1")
    assert p_cat(classifier, black_and_white) == p_cat(classifier, np.asarray(black_and_white).astype(np.uint8) * 255)
    for mode in ("P", "CMYK", "YCbCr", "LA", "HSV"):
        assert classifier.classify(image.convert(mode)).ok, mode
    for straight, premultiplied in (("LA", "La"), ("RGBA", "RGBa")):
        opaque = image.convert(straight)
        assert p_cat(classifier, opaque.convert(premultiplied)) == p_cat(classifier, opaque)


def test_pil_images_mean_what_the_file_means(classifier: catdog.Classifier, golden: Path) -> None:
    for name in ("rgba.png", "grey.png", "grey_alpha.png", "palette.png", "palette_transparent.png", "bilevel.png"):
        with Image.open(golden / name) as image:
            assert p_cat(classifier, image) == pytest.approx(p_cat(classifier, golden / name), abs=1e-3), name


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pil_images_are_turned_as_their_exif_says(
    classifier: catdog.Classifier, golden: Path, orientation: int
) -> None:
    path = golden / f"orientation{orientation}.jpg"
    from_file = classifier.classify(path)
    with Image.open(path) as image:
        from_image = classifier.classify(image)
        turned = image.size != (from_file.width, from_file.height)
    assert turned == (orientation >= 5)
    assert (from_image.width, from_image.height) == (from_file.width, from_file.height)


def test_a_batch_of_every_kind(classifier: catdog.Classifier, cat: Path, rgb: Any, expected: float) -> None:
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    images = [cat, str(cat), cat.read_bytes(), bgr, Image.open(cat)]
    predictions = classifier.classify_batch(iter(images), channel_order="bgr")
    assert [item.probabilities["cat"] for item in predictions] == [expected] * 5
    stack = np.stack([rgb, rgb[:, ::-1]])
    predictions = classifier.classify_batch(stack)
    assert [item.probabilities["cat"] for item in predictions] == [expected, p_cat(classifier, rgb[:, ::-1])]
