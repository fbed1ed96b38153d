# SPDX-License-Identifier: Apache-2.0
"""The limits that decide whether a run passed."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple


class Threshold(NamedTuple):
    flag: str
    at_most: bool
    path: tuple[str, ...]  # where the figure is in the report
    default: float | None
    help: str

    @property
    def key(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


LATENCY = ("latency_ms", "from_intended_start")
THRESHOLDS = (
    Threshold("--max-error-rate", True, ("requests", "error_rate"), 0.01, "most requests without a 200, as a share"),
    Threshold("--max-p50-ms", True, (*LATENCY, "p50"), None, "most of the median latency"),
    Threshold("--max-p95-ms", True, (*LATENCY, "p95"), None, "most of the 95th percentile of the latency"),
    Threshold("--max-p99-ms", True, (*LATENCY, "p99"), None, "most of the 99th percentile of the latency"),
    Threshold("--min-throughput", False, ("throughput_per_s",), None, "least good answers a second"),
    Threshold("--min-accuracy", False, ("model_scores", "accuracy"), None, "least share of right verdicts"),
    Threshold("--min-f1", False, ("model_scores", "macro_f1"), None, "least F1, averaged over the labels"),
)


def add_threshold_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("thresholds", "one that is broken makes the exit code 1")
    for threshold in THRESHOLDS:
        default = "" if threshold.default is None else f" (default {threshold.default:g})"
        group.add_argument(
            threshold.flag, type=float, default=threshold.default, metavar="N", help=threshold.help + default
        )


def judge(report: dict[str, Any], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Each threshold that is set; a figure that there isn't breaks it."""
    rows = []
    for threshold in THRESHOLDS:
        limit = getattr(options, threshold.key)
        if limit is None:
            continue
        value: Any = report
        for step in threshold.path:
            value = value.get(step) if isinstance(value, dict) else None
        holds = value is not None and (value <= limit if threshold.at_most else value >= limit)
        rows.append({"name": threshold.flag, "limit": limit, "value": value, "holds": holds})
    return rows
