# SPDX-License-Identifier: Apache-2.0
"""Where in an image the network sees a label."""

from __future__ import annotations

from pathlib import Path

import catdog
import pytest


def animal_in_a_corner(cat: Path) -> object:
    image = pytest.importorskip("PIL.Image")
    scene = image.new("RGB", (600, 600), (120, 120, 120))
    scene.paste(image.open(cat).convert("RGB").resize((300, 300)), (300, 0))
    return scene


def test_the_map_shows_the_corner_with_the_animal(classifier: catdog.Classifier, cat: Path) -> None:
    scene = animal_in_a_corner(cat)
    explanation = classifier.explain(scene, label="cat")
    rows, columns = len(explanation.map), len(explanation.map[0])
    assert {len(row) for row in explanation.map} == {columns}
    assert explanation.map[1][columns - 2] > 0.5
    assert explanation.map[rows - 2][1] < 0.1 and explanation.map[1][1] < 0.1
    assert explanation.label == "cat"
    assert explanation.prediction == classifier.classify(scene)


def test_the_drawing_is_rgb_of_any_size(classifier: catdog.Classifier, cat: Path) -> None:
    explanation = classifier.explain(cat)
    assert len(explanation.draw()) == 3 * 451 * 300
    assert len(explanation.draw(8, 5)) == 3 * 8 * 5
    assert max(explanation.draw(8, 5)) > 0
    for width, height in ((0, 5), (8, -1), (5000, 5), (2**70, 5)):
        with pytest.raises(catdog.InvalidArgumentError):
            explanation.draw(width, height)
    assert explanation.prediction.source == str(cat)
    assert repr(explanation).startswith("<catdog.Explanation of 'cat': ")


def test_one_call_opens_the_model(cat: Path, dog: Path) -> None:
    assert catdog.explain(dog).label == "dog"
    assert catdog.explain(cat.read_bytes(), label="dog", model="simple_cnn").label == "dog"


def test_what_is_wrong_raises(classifier: catdog.Classifier, cat: Path) -> None:
    with pytest.raises(catdog.InvalidArgumentError, match="no label 'cow'; it has cat, dog"):
        classifier.explain(cat, label="cow")
    with pytest.raises(catdog.NotFoundError):
        classifier.explain("missing.jpg")
    with pytest.raises(catdog.UnsupportedError):
        classifier.explain(b"no image")
    with catdog.Classifier() as closed:
        pass
    with pytest.raises(catdog.ClosedError):
        closed.explain(cat)
