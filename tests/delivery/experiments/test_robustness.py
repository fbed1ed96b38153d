# SPDX-License-Identifier: Apache-2.0
"""The table of robustness: each change alters the images, the same way every time; each model is measured on it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import tiny
from harness import SOURCE

sys.path.insert(0, str(SOURCE / "training"))
numpy = pytest.importorskip("numpy", reason="numpy is missing (pip install numpy)")
image = pytest.importorskip("PIL.Image", reason="Pillow is missing (pip install pillow)")
robustness = pytest.importorskip("robustness")

IMAGES = SOURCE / "examples" / "images"


@pytest.mark.parametrize("name", list(robustness.CHANGES)[1:])
def test_a_change_changes_the_image_the_same_way_every_time(name: str) -> None:
    with image.open(IMAGES / "dog" / "dog.jpg") as photo:
        first, second = (robustness.CHANGES[name](photo.convert("RGB"), 7) for _ in range(2))
        assert first.mode == "RGB" and first.tobytes() == second.tobytes()
        assert first.size != photo.size or first.tobytes() != photo.convert("RGB").tobytes()


def test_noise_depends_on_the_file() -> None:
    grey = image.new("RGB", (40, 30), (128, 128, 128))
    change = robustness.CHANGES["noise, deviation 20"]
    one, other = (numpy.asarray(change(grey, seed), dtype=float) for seed in (1, 2))
    assert 18 < one.std() < 22 and (one != other).mean() > 0.9


def test_the_table_has_a_row_for_each_change_and_a_column_for_each_model() -> None:
    models = ["--model", SOURCE / "models/best_model.pt", "--model", SOURCE / "models/simple_cnn.pt"]
    done = tiny.script("robustness.py", IMAGES, *models)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert done.stdout.startswith("2 images\n") and len(rows) == 1 + len(robustness.CHANGES)
    assert rows[0] == "| change | best_model: accuracy | ECE | simple_cnn: accuracy | ECE |"
    assert re.fullmatch(r"\| as it is \| 100\.0 % \| 0\.0\d\d \| 100\.0 % \| 0\.\d\d\d \|", rows[1])


def test_the_plot_names_changes_and_models(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is missing (on Debian: apt-get install python3-matplotlib)")
    rows = {name: [{"accuracy": 0.9}, {"accuracy": 0.8}] for name in robustness.CHANGES}
    robustness.plot(rows, ["a/one.pt", "two"], tmp_path / "plot.svg")
    text = (tmp_path / "plot.svg").read_text()
    assert all(text.count(word) == 1 for word in ("<!-- thumbnail, 48 pixels -->", "<!-- one -->", "<!-- two -->"))


def test_a_list_names_the_images() -> None:
    assert [path.name for path in robustness.images_of(IMAGES, None)] == ["chelsea.png", "dog.jpg"]
    assert [path.name for path in robustness.images_of(IMAGES, {"dog/dog.jpg", "cat/dog.jpg"})] == ["dog.jpg"]


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    done = tiny.script("robustness.py", tmp_path, "--model", "best_model")
    assert done.returncode == 1 and "no images in class folders" in done.stderr
