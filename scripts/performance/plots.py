# SPDX-License-Identifier: Apache-2.0
"""Line and bar charts as SVG that stands alone in a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e")
WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 34, 44
Points = Sequence[tuple[float, float]]


def ticks(most: float, about: int = 5) -> list[float]:
    """Round numbers from 0 to just above `most`."""
    if not most > 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(most / about))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power * about >= most)
    return [index * step for index in range(math.ceil(round(most / step, 9)) + 1)]


def _text(x: float, y: float, text: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(text)}</text>'


def _frame(title: str, x_name: str, y_name: str, y_ticks: Sequence[float], body: Sequence[str]) -> str:
    bottom = HEIGHT - BOTTOM
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for tick in y_ticks:
        y = bottom - tick / y_ticks[-1] * (bottom - TOP)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{tick:g}", "end"))
    parts.append(_text(LEFT, 14, title, "start", ' class="title"'))
    parts.append(_text(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 6, x_name))
    middle = TOP + (bottom - TOP) / 2
    parts.append(_text(14, middle, y_name, "middle", f' transform="rotate(-90 14 {middle:.1f})"'))
    return "\n".join([*parts, *body, "</svg>"])


def line_chart(title: str, x_name: str, y_name: str, series: Mapping[str, Points]) -> str:
    """A line for each series; one without points is named in the legend all the same."""
    points = [point for line in series.values() for point in line]
    x_ticks = ticks(max((x for x, _ in points), default=0), 8)
    y_ticks = ticks(max((y for _, y in points), default=0))
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + x / x_ticks[-1] * (right - LEFT), bottom - y / y_ticks[-1] * (bottom - TOP)

    body = [_text(place(tick, 0)[0], bottom + 16, f"{tick:g}") for tick in x_ticks]
    legend = right
    for (name, line), colour in reversed(list(zip(series.items(), COLOURS))):
        placed = [place(x, y) for x, y in line]
        coordinates = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        body.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{coordinates}"/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in placed]
        body.append(_text(legend, 14, name, "end", f' style="fill:{colour}"'))
        legend -= 9 * len(name) + 16
    return _frame(title, x_name, y_name, y_ticks, body)


def bar_chart(title: str, x_name: str, y_name: str, bars: Mapping[str, float]) -> str:
    """A bar for each name with its value on top."""
    y_ticks = ticks(max(bars.values(), default=0))
    bottom, room = HEIGHT - BOTTOM, (WIDTH - LEFT - RIGHT) / max(1, len(bars))
    body = []
    for index, (name, value) in enumerate(bars.items()):
        height = value / y_ticks[-1] * (bottom - TOP)
        middle, width = LEFT + (index + 0.5) * room, min(80.0, room * 0.7)
        colour = COLOURS[0] if name == "200" else COLOURS[1]
        body.append(
            f'<rect x="{middle - width / 2:.1f}" y="{bottom - height:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" fill="{colour}"/>'
        )
        body.append(_text(middle, bottom - height - 4, f"{value:g}"))
        body.append(_text(middle, bottom + 16, name))
    return _frame(title, x_name, y_name, y_ticks, body)
