# SPDX-License-Identifier: Apache-2.0
"""Where in an image the network sees a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._arguments import integer
from ._prediction import Prediction, from_raw

if TYPE_CHECKING:
    from . import _catdog


class Explanation:
    """A class activation map: where in an image the network sees a label. Doesn't need the classifier."""

    __slots__ = ("_drawing", "label", "map", "prediction")

    prediction: Prediction
    """The verdict on the image, as `classify` gives it."""
    label: str
    """The label that the map is about."""
    map: list[list[float]]
    """Row after row, evenly spread over the image: the trust in the label, 0 to 1, if all of the image looked as that
    place does. numpy.array(explanation.map) makes an array of it."""

    def __init__(self, made: _catdog.Explanation, source: str | None, labels: tuple[str, ...]) -> None:
        self._drawing = made
        self.prediction = from_raw(made.raw, source)
        self.label = labels[made.label]
        self.map = made.map

    def draw(self, width: int | None = None, height: int | None = None) -> bytes:
        """What the network saw as width * height * 3 bytes of RGB: as it is where the map is 1, else darker.

            PIL.Image.frombytes("RGB", (640, 480), explanation.draw(640, 480)).save("map.png")

        None: the image's own size. A side has 1 to 4096 pixels.
        """
        own = self.prediction
        return self._drawing.draw(
            own.width if width is None else integer("width", width),
            own.height if height is None else integer("height", height),
        )

    def __repr__(self) -> str:
        return f"<catdog.Explanation of {self.label!r}: {len(self.map)}x{len(self.map[0])} places, {self.prediction!r}>"
