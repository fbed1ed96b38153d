#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How models stand images that are worse than those they were trained on.

Changes every image of a folder of class folders in many ways, one after the other, and lets `catdog evaluate` measure
each model on it. Writes a Markdown table (accuracy, and expected calibration error) and, with --plot, a picture.
Noise is seeded by the image's name: the same call measures the same pixels.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps  # type: ignore[import]

Change = Callable[[Image.Image, int], Image.Image]


def jpeg(quality: int) -> Change:
    def change(image: Image.Image, _seed: int) -> Image.Image:
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=quality)
        return Image.open(encoded).convert("RGB")

    return change


def blur(radius: float) -> Change:
    """In hundredths of the longer side, so that it means the same for images of each size."""
    return lambda image, _seed: image.filter(ImageFilter.GaussianBlur(radius * max(image.size) / 100))


def noise(deviation: float) -> Change:
    def change(image: Image.Image, seed: int) -> Image.Image:
        pixels = np.asarray(image, dtype=np.float32)
        noisy = pixels + np.random.default_rng(seed).normal(0, deviation, pixels.shape)
        return Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))

    return change


def brightness(factor: float) -> Change:
    return lambda image, _seed: ImageEnhance.Brightness(image).enhance(factor)


def rotation(degrees: int) -> Change:
    return lambda image, _seed: image.rotate(degrees, Image.BICUBIC, expand=True)


def crop(area: float) -> Change:
    """The middle."""

    def change(image: Image.Image, _seed: int) -> Image.Image:
        width, height = (max(1, round(side * area**0.5)) for side in image.size)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))

    return change


def thumbnail(side: int) -> Change:
    def change(image: Image.Image, _seed: int) -> Image.Image:
        small = image.copy()
        small.thumbnail((side, side))
        return small

    return change


def enlarged(image: Image.Image, _seed: int) -> Image.Image:
    return image.resize((4 * image.width, 4 * image.height), Image.BICUBIC)


def grey(image: Image.Image, _seed: int) -> Image.Image:
    return ImageOps.grayscale(image).convert("RGB")


CHANGES: dict[str, Change] = {
    "as it is": lambda image, _seed: image,
    **{f"JPEG quality {quality}": jpeg(quality) for quality in (90, 70, 50, 30, 20, 10)},
    **{f"blur, {radius:g} % of the side": blur(radius) for radius in (0.5, 1, 2)},
    **{f"noise, deviation {deviation}": noise(deviation) for deviation in (10, 20, 40)},
    **{f"brightness {factor:g}": brightness(factor) for factor in (0.5, 0.25, 0.1, 1.8)},
    **{f"turned by {degrees}°": rotation(degrees) for degrees in (15, 90, 180)},
    **{f"middle {100 * area:.0f} % of the area": crop(area) for area in (0.7, 0.5, 0.3)},
    "thumbnail, 48 pixels": thumbnail(48),
    "grey": grey,
    "enlarged 4 times": enlarged,
}


def images_of(folder: Path, names: set[str] | None) -> list[Path]:
    found = [path for path in sorted(folder.glob("*/*")) if path.is_file()]
    return [path for path in found if names is None or f"{path.parent.name}/{path.name}" in names]


def write_changed(images: list[Path], folder: Path, change: Change) -> None:
    for path in images:
        target = folder / path.parent.name / f"{path.stem}.png"
        target.parent.mkdir(exist_ok=True)
        with Image.open(path) as image:
            changed = change(ImageOps.exif_transpose(image).convert("RGB"), zlib.crc32(path.name.encode()))
        changed.save(target, compress_level=1)


def evaluate(folder: Path, model: str, precision: str) -> dict[str, Any]:
    command = [os.environ.get("CATDOG_COMMAND", "catdog"), "evaluate", str(folder), "--model", model]
    command += ["--precision", precision, "--json", "--no-progress"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def measure(images: list[Path], models: list[str], precision: str) -> dict[str, list[dict[str, Any]]]:
    rows = {}
    for name, change in CHANGES.items():
        with tempfile.TemporaryDirectory() as folder:
            write_changed(images, Path(folder), change)
            rows[name] = [evaluate(Path(folder), model, precision) for model in models]
    return rows


def table(rows: dict[str, list[dict[str, Any]]], models: list[str]) -> str:
    head = "| change | " + " | ".join(f"{Path(model).stem}: accuracy | ECE" for model in models) + " |"
    lines = [head, "|---" * (1 + 2 * len(models)) + "|"]
    for name, figures in rows.items():
        cells = [f"{100 * of['accuracy']:.1f} % | {of['ece']:.3f}" for of in figures]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plot(rows: dict[str, list[dict[str, Any]]], models: list[str], target: Path) -> None:
    import matplotlib  # type: ignore[import]

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 7), layout="constrained")
    names = list(rows)[::-1]
    for model, marker in zip(range(len(models)), "osD^v", strict=False):
        accuracies = [100 * rows[name][model]["accuracy"] for name in names]
        axes.plot(accuracies, names, marker, label=Path(models[model]).stem, markersize=6)
    axes.set_xlabel("accuracy, %")
    axes.grid(color="#dddddd")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncol=len(models))
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="class folders with images")
    parser.add_argument("--model", action="append", required=True, help="model file or name; may be repeated")
    parser.add_argument("--list", type=Path, help="take only these files, CLASS/NAME a line, such as test.txt")
    parser.add_argument("--every", type=int, default=1, help="take every Nth image")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--plot", type=Path, help="write an SVG or PNG")
    arguments = parser.parse_args()
    names = None
    if arguments.list:
        names = set(arguments.list.read_text().split())
    images = images_of(arguments.folder, names)[:: arguments.every]
    if not images:
        raise SystemExit(f"{arguments.folder}: no images in class folders")
    rows = measure(images, arguments.model, arguments.precision)
    print(f"{len(images)} images\n\n{table(rows, arguments.model)}", end="")
    if arguments.plot:
        plot(rows, arguments.model, arguments.plot)


if __name__ == "__main__":
    main()
