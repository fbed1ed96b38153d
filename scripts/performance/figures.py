# SPDX-License-Identifier: Apache-2.0
"""From samples to figures: percentiles, the course over time, the scores of the model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from performance.record import UNSENT, Sample

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank: the smallest value that at least so many percent of all don't exceed."""
    # Rounded before the next whole number is taken: 99.9 / 100 * 1000 is a little more than 999.
    return ordered[max(0, math.ceil(round(percent / 100 * len(ordered), 9)) - 1)]


def latencies(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    figures = {f"p{percent:g}": percentile(ordered, percent) for percent in PERCENTILES}
    figures |= {"mean": sum(ordered) / len(ordered), "min": ordered[0], "max": ordered[-1]}
    return {name: round(value * 1000, 3) for name, value in figures.items()}


def scores(samples: Sequence[Sample], labels: Sequence[str]) -> dict[str, Any]:
    """Of all verdicts, those that abstain included; a score that would divide by nothing is None."""
    pairs = Counter((sample.label, sample.predicted) for sample in samples)

    def ratio(above: float, below: float) -> float | None:
        return above / below if below else None

    def rounded(score: float | None) -> float | None:
        return None if score is None else round(score, 6)

    by_label: dict[str, dict[str, float | None]] = {}
    for label in labels:
        right = pairs[label, label]
        called = sum(pairs[true, label] for true in labels)
        real = sum(count for (true, _), count in pairs.items() if true == label)
        by_label[label] = {
            "precision": ratio(right, called),
            "recall": ratio(right, real),
            "f1": ratio(2 * right, called + real),
        }
    f1 = [score["f1"] for score in by_label.values() if score["f1"] is not None]
    macro_f1 = sum(f1) / len(f1) if len(f1) == len(labels) else None
    return {
        "labels": list(labels),
        "verdicts": len(samples),
        "abstained": sum(sample.abstained for sample in samples),
        "accuracy": rounded(ratio(sum(pairs[label, label] for label in labels), len(samples))),
        "macro_f1": rounded(macro_f1),
        "by_label": {label: {name: rounded(score) for name, score in row.items()} for label, row in by_label.items()},
        "confusion": [[pairs[true, predicted] for predicted in labels] for true in labels],
    }


def over_time(samples: Sequence[Sample], begin: float, end: float) -> list[dict[str, Any]]:
    """At most 60 intervals of at least a second. Requests belong where they were meant to start; `finished` counts the
    good answers where they came."""
    width = max(1.0, (end - begin) / 60)
    count = max(1, math.ceil(round((end - begin) / width, 6)))
    groups: list[list[Sample]] = [[] for _ in range(count)]
    finished = [0] * count
    for sample in samples:
        groups[min(count - 1, int((sample.intended - begin) / width))].append(sample)
        finished[min(count - 1, int((sample.ended - begin) / width))] += sample.good
    rows = []
    for index, group in enumerate(groups):
        at = begin + index * width
        good = [sample.latency for sample in group if sample.good]
        length = min(width, end - at)
        row: dict[str, Any] = {"from_s": round(at, 3), "seconds": round(length, 3), "requests": len(group)}
        row |= {"good": len(good), "failed": len(group) - len(good), "finished": finished[index]}
        row["latency_ms"] = latencies(good)
        rows.append(row)
    return rows


def summary(samples: Sequence[Sample], labels: Sequence[str], begin: float, duration: float) -> dict[str, Any]:
    """Of the requests that were meant to start from `begin` on."""
    counted = [sample for sample in samples if sample.intended >= begin]
    good = [sample for sample in counted if sample.good]
    last = max((sample.ended for sample in counted), default=duration)
    elapsed = max(duration, last) - begin
    return {
        "requests": {
            "meant": len(counted),
            "answered": sum(sample.status != 0 for sample in counted),
            "good": len(good),
            "unsent": sum(sample.error == UNSENT for sample in counted),
            "error_rate": round(1 - len(good) / len(counted), 6) if counted else None,
            "outcomes": dict(sorted(Counter(sample.outcome for sample in counted).items())),
        },
        "elapsed_s": round(elapsed, 3),
        "throughput_per_s": round(len(good) / elapsed, 3),
        "latency_ms": {
            "from_intended_start": latencies([sample.latency for sample in good]),
            "from_sending": latencies([sample.ended - sample.started for sample in good]),
        },
        "model_scores": scores(good, labels),
        # A tail of less than a second is no interval of its own.
        "over_time": over_time(counted, begin, last if last > duration + 1 else duration),
    }
