#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the Grafana dashboards from a Prometheus, without Grafana: one PNG for each.

Exits with 1 when a query returned nothing, and names it. Needs matplotlib (Debian's python3-matplotlib).
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from dashboard_queries import DASHBOARDS, Panel, Prometheus, PrometheusError, Series, ask, load

try:
    import matplotlib  # type: ignore

    matplotlib.use("Agg")
    import matplotlib.dates  # type: ignore
    import matplotlib.pyplot as plt  # type: ignore
except ImportError:
    sys.exit("render_dashboards.py: matplotlib is missing (on Debian: apt-get install python3-matplotlib)")

GREY = "#666666"
COLOURS = {"text": GREY, "green": "#2f9e44", "orange": "#e8830c", "red": "#c92a2a", "blue": "#1f60c4"}
COLUMN, ROW, GAP = 0.68, 0.38, 0.10  # inches: a column and a row of Grafana's grid, and what stays free between panels


def scaled(value: float, units: list[tuple[float, str]]) -> str:
    for factor, name in units:
        if abs(value) >= factor:
            return f"{value / factor:.3g} {name}".rstrip()
    factor, name = units[-1]
    return f"{value / factor:.3g} {name}".rstrip() if value else "0"


def readable(value: float, unit: str) -> str:
    """The value as Grafana would write it in that unit."""
    if math.isnan(value):
        return "–"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        return scaled(value, [(86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")])
    if unit in ("bytes", "Bps"):
        text = scaled(value, [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")])
        return text + ("/s" if unit == "Bps" else "")
    text = scaled(value, [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")]) if abs(value) >= 1 else f"{value:.3g}"
    return text + {"reqps": " req/s", "cps": " /s"}.get(unit, "")


def defaults(panel: Panel) -> dict[str, Any]:
    found: dict[str, Any] = panel.definition["fieldConfig"]["defaults"]
    return found


def threshold_colour(panel: Panel, value: float) -> str:
    chosen = "text"
    for step in defaults(panel)["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            chosen = step["color"]
    return COLOURS.get(chosen, GREY)


def override(panel: Panel, series: Series, property_id: str) -> Any:
    """What the dashboard sets for this line alone, or None."""
    for rule in panel.definition["fieldConfig"]["overrides"]:
        wanted, kind = rule["matcher"]["options"], rule["matcher"]["id"]
        named = re.search(wanted.strip("/"), series.legend) if kind == "byRegexp" else wanted == series.legend
        for item in rule["properties"]:
            if named and item["id"] == property_id:
                return item["value"]
    return None


def look(panel: Panel, series: Series) -> dict[str, Any]:
    style: dict[str, Any] = {}
    fixed = override(panel, series, "color")
    if fixed:
        style["color"] = COLOURS.get(fixed["fixedColor"], GREY)
    if override(panel, series, "custom.lineStyle"):
        # A limit, or what is expected.
        style = {"color": GREY, **style, "linestyle": "--", "linewidth": 1.0}
    return style


def draw_lines(axes: Any, panel: Panel) -> None:
    stacking = defaults(panel)["custom"]["stacking"]["mode"]
    moments = sorted({moment for series in panel.series for moment in series.times})
    dates = [datetime.fromtimestamp(moment) for moment in moments]
    if stacking != "none" and moments:
        rows = []
        for series in panel.series:
            known = dict(zip(series.times, series.values))
            rows.append([known.get(moment, 0.0) for moment in moments])
        if stacking == "percent":
            totals = [sum(column) or 1.0 for column in zip(*rows)]
            rows = [[value / total for value, total in zip(row, totals)] for row in rows]
        colours = [look(panel, series).get("color", f"C{index}") for index, series in enumerate(panel.series)]
        names = [series.legend for series in panel.series]
        axes.stackplot(dates, rows, labels=names, colors=colours, alpha=0.6, edgecolor="white", linewidth=0.3)
    else:
        for series in panel.series:
            known = dict(zip(series.times, series.values))
            values = [known.get(moment, math.nan) for moment in moments]
            axes.plot(dates, values, label=series.legend, **{"linewidth": 1.3, **look(panel, series)})
    unit = "percentunit" if stacking == "percent" else panel.unit
    axes.yaxis.set_major_formatter(plt.FuncFormatter(lambda value, _: readable(value, unit)))
    if "min" in defaults(panel):
        axes.set_ylim(bottom=defaults(panel)["min"])
    if "max" in defaults(panel):
        axes.set_ylim(top=defaults(panel)["max"] * 1.01)
    bottom, top = axes.get_ylim()
    axes.yaxis.set_major_locator(plt.MaxNLocator(nbins=5))
    if unit in ("bytes", "Bps") and top > bottom:
        axes.yaxis.set_major_locator(plt.MultipleLocator(2.0 ** math.ceil(math.log2((top - bottom) / 5))))
    for step in defaults(panel)["thresholds"]["steps"]:
        # A limit far above the lines would flatten them.
        if step["value"] is not None and step["value"] <= top:
            axes.axhline(step["value"], color=COLOURS.get(step["color"], GREY), linewidth=0.8, linestyle=":")
    time_axis(axes)
    if panel.series:
        count = len(panel.series)
        # Below the panel, as in Grafana.
        axes.legend(
            fontsize=6,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.09),
            ncol=min(count, 3),
            frameon=False,
            handlelength=1.2,
            columnspacing=1.0,
            borderaxespad=0.4,
            labelspacing=0.2,
        )


def time_axis(axes: Any) -> None:
    axes.xaxis.set_major_locator(matplotlib.dates.AutoDateLocator(minticks=2, maxticks=5))
    axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M:%S"))
    axes.grid(True, linewidth=0.3, color="#dddddd")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw_heatmap(axes: Any, panel: Panel) -> None:
    buckets = sorted(panel.series, key=lambda series: float(series.labels["le"]))
    moments = sorted({moment for series in buckets for moment in series.times})
    below = [0.0] * len(moments)
    rows = []
    for series in buckets:
        known = dict(zip(series.times, series.values))
        row = [known.get(moment, math.nan) for moment in moments]
        rows.append([max(0.0, value - lower) or math.nan for value, lower in zip(row, below)])
        below = [lower if math.isnan(value) else value for value, lower in zip(row, below)]
    used = [index for index, row in enumerate(rows) if not all(math.isnan(value) for value in row)] or [0]
    rows, buckets = rows[: used[-1] + 1][used[0] :], buckets[: used[-1] + 1][used[0] :]
    dates = [matplotlib.dates.date2num(datetime.fromtimestamp(moment)) for moment in moments]
    image = axes.pcolormesh(dates, range(len(rows)), rows, cmap="Oranges", shading="nearest", vmin=0)
    axes.figure.colorbar(image, ax=axes, pad=0.01).ax.tick_params(labelsize=6)
    axes.set_yticks(range(len(buckets)))
    axes.set_yticklabels([f"≤ {readable(float(series.labels['le']), panel.unit)}" for series in buckets])
    axes.xaxis_date()
    time_axis(axes)


def draw_bars(axes: Any, panel: Panel) -> None:
    bars = sorted(panel.series, key=lambda series: series.legend, reverse=True)
    axes.barh([series.legend for series in bars], [series.values[-1] for series in bars], color=COLOURS["blue"])
    axes.set_xlim(defaults(panel).get("min", 0), defaults(panel).get("max"))
    axes.set_xticks([])
    for index, series in enumerate(bars):
        axes.annotate(
            readable(series.values[-1], panel.unit),
            (series.values[-1], index),
            (3, -2.5),
            textcoords="offset points",
            fontsize=6,
        )
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


def draw_text(axes: Any, panel: Panel) -> None:
    axes.axis("off")
    if panel.kind == "stat":
        for index, series in enumerate(panel.series):
            value = series.values[-1]
            place = ((index + 0.5) / len(panel.series), 0.42)
            colour = threshold_colour(panel, value)
            decimals = defaults(panel).get("decimals")
            text = readable(
                value if decimals is None or panel.unit == "percentunit" else round(value, decimals), panel.unit
            )
            axes.text(*place, text, fontsize=18, color=colour, ha="center", va="center")
            if len(panel.series) > 1:
                axes.text(place[0], 0.08, series.legend, fontsize=7, color=GREY, ha="center")
        return
    for index, series in enumerate(panel.series):
        words = [f"{name}: {value}" for name, value in sorted(series.labels.items()) if name != "__name__"]
        # The checksum of a model is longer than any panel is wide.
        short = [word if len(word) < 40 else word[:30] + "…" for word in words]
        wide = panel.definition["gridPos"]["w"] >= 12
        axes.text(0.01, 0.9 - 0.12 * index, ("   " if wide else "\n").join(short), fontsize=7, va="top")


def draw(dashboard: dict[str, Any], panels: list[Panel]) -> Any:
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]) + 2
    figure = plt.figure(figsize=(24 * COLUMN, height * ROW), facecolor="white")

    def box(definition: dict[str, Any], left: float, right: float, top: float, bottom: float) -> list[float]:
        """Within the panel's place on the grid, with margins in inches; in parts of the figure."""
        place = definition["gridPos"]
        width, total = 24 * COLUMN, height * ROW
        begin = place["x"] * COLUMN + GAP + left
        end = (place["x"] + place["w"]) * COLUMN - GAP - right
        upper = total - (place["y"] + 2) * ROW - GAP - top
        lower = total - (place["y"] + 2 + place["h"]) * ROW + GAP + bottom
        return [begin / width, lower / total, (end - begin) / width, (upper - lower) / total]

    figure.text(0.006, 1 - ROW / (height * ROW), dashboard["title"], fontsize=18, weight="bold", va="center")
    for definition in dashboard["panels"]:
        if definition["type"] == "row":
            left, bottom, _, tall = box(definition, 0, 0, 0, 0)
            figure.text(left, bottom + tall / 2, definition["title"], fontsize=12, weight="bold", va="center")
    drawing = {"timeseries": draw_lines, "heatmap": draw_heatmap, "bargauge": draw_bars}
    for panel in panels:
        left, bottom, wide, tall = box(panel.definition, 0, 0, 0, 0)
        frame = plt.Rectangle((left - 0.004, bottom - 0.0015), wide + 0.006, tall + 0.003, fill=False, color="#dddddd")
        figure.add_artist(frame)
        chart = panel.kind in drawing
        axes = figure.add_axes(box(panel.definition, 0.58 if chart else 0, 0.05, 0.24, 0.58 if chart else 0))
        axes.tick_params(labelsize=6.5)
        axes.set_title(panel.title, fontsize=9, loc="left")
        drawing.get(panel.kind, draw_text)(axes, panel)
        if not panel.series:
            axes.text(0.5, 0.5, "No data", transform=axes.transAxes, ha="center", color=COLOURS["red"])
    return figure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://localhost:9090", help="Prometheus (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("build/dashboards"), help="folder (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=60, help="how far back (default: %(default)s)")
    parser.add_argument("--rate-interval", default="1m", help="for $__rate_interval (default: %(default)s)")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    empty = 0
    for path in sorted(DASHBOARDS.glob("*.json")):
        dashboard = load(path)
        try:
            panels = ask(Prometheus(arguments.url), dashboard, arguments.minutes, arguments.rate_interval)
        except PrometheusError as failure:
            print(f"render_dashboards.py: {failure}", file=sys.stderr)
            return 2
        picture = arguments.output / f"{path.stem}.png"
        figure = draw(dashboard, panels)
        figure.savefig(picture, dpi=100)
        plt.close(figure)
        print(picture)
        for panel in panels:
            for query in panel.empty:
                print(f"{dashboard['title']}, {panel.title}: no data for {query}", file=sys.stderr)
                empty += 1
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
