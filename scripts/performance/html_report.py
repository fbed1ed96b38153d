# SPDX-License-Identifier: Apache-2.0
"""The report for people: one HTML file that loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from performance.plots import bar_chart, line_chart

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222;
       background: #fff }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } caption { text-align: left; font-weight: 600 }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .8rem .25rem 0; text-align: right }
th:first-child, td:first-child { text-align: left } svg { width: 100%; height: auto; margin: .5rem 0 }
svg text { font: 11px system-ui, sans-serif; fill: #333 } svg .title { font-size: 13px; font-weight: 600 }
svg .grid { stroke: #ddd } .good { color: #1a7f37 } .bad { color: #b42318; font-weight: 600 }
"""


def _show(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else escape(str(value))


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"<table><caption>{escape(caption)}</caption><tr>"]
    lines += [f"<th>{escape(name)}</th>" for name in head]
    lines.append("</tr>")
    lines += ["<tr>" + "".join(f"<td>{_show(value)}</td>" for value in row) + "</tr>" for row in rows]
    return "".join([*lines, "</table>"])


def _plots(report: dict[str, Any]) -> list[str]:
    rows = report["over_time"]

    def course(name: str) -> list[tuple[float, float]]:
        """A latency in ms, or a count a second."""
        points = []
        for row in rows:
            value = row[name] / row["seconds"] if name in row else row["latency_ms"].get(name)
            if value is not None:
                points.append((row["from_s"] + row["seconds"] / 2, float(value)))
        return points

    latency = {name: course(name) for name in ("p50", "p90", "p99", "max")}
    throughput = {text: course(name) for text, name in (("good answers", "finished"), ("failed", "failed"))}
    return [
        line_chart("Latency from the intended start", "seconds", "ms", latency),
        line_chart("Throughput", "seconds", "requests/s", throughput),
        bar_chart("Outcomes", "status, or why there was none", "requests", report["requests"]["outcomes"]),
    ]


def render(report: dict[str, Any]) -> str:
    requests, model, settings = report["requests"], report["model_scores"], report["settings"]
    verdict = '<p class="good">All thresholds hold.</p>' if report["passed"] else '<p class="bad">It failed.</p>'
    latency = report["latency_ms"]
    names = ["p50", "p90", "p95", "p99", "p99.9", "mean", "max"]
    kinds = {"from_intended_start": "from the intended start", "from_sending": "from sending"}
    labels = model["labels"]
    confusion = [[f"is a {true}", *counts] for true, counts in zip(labels, model["confusion"])]
    by_label = [
        [label, *(model["by_label"][label][name] for name in ("precision", "recall", "f1"))] for label in labels
    ]
    facts = {
        "Requests": requests["meant"],
        "Answered with 200": requests["good"],
        "Never sent, all connections were busy": requests["unsent"],
        "Share of errors": requests["error_rate"],
        "Good answers a second": report["throughput_per_s"],
        "Accuracy": model["accuracy"],
        "Macro F1": model["macro_f1"],
        "Abstained": model["abstained"],
        "Feedback by status": ", ".join(f"{status}: {n}" for status, n in report["feedback"].items()) or "none",
        "Connections opened": report["connections_opened"],
    }
    which = "{name} {version}, {engine} {precision}, SHA-256 {sha256}".format_map(report["model"])
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Load report</title>',
        f"<style>{STYLE}</style><h1>Load report</h1>",
        f"<p>{escape(report['began'])}, {escape(settings['url'])}, model {escape(which)}</p>{verdict}",
        _table(
            "Thresholds",
            ["", "limit", "measured", ""],
            [
                [row["name"], row["limit"], row["value"], "holds" if row["holds"] else "broken"]
                for row in report["thresholds"]
            ],
        ),
        _table("Figures", ["", ""], facts.items()),
        _table(
            "Latency of good answers, ms",
            ["", *names],
            [[text, *(latency[kind].get(name) for name in names)] for kind, text in kinds.items()],
        ),
        *_plots(report),
        _table("Confusion", ["", *(f"called a {label}" for label in labels)], confusion),
        _table("Scores", ["", "precision", "recall", "F1"], by_label),
        _table("Settings", ["", ""], settings.items()),
        "</html>",
    ]
    return "\n".join(parts)
