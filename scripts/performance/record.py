# SPDX-License-Identifier: Apache-2.0
"""What happened to each request, and the running sums that the progress bar and Prometheus show."""

from __future__ import annotations

import threading
from collections import Counter
from typing import NamedTuple

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
UNSENT = "not sent in time"


class Sample(NamedTuple):
    """Times are seconds from the beginning of the run; the status is 0 without a reply, and `error` says why."""

    intended: float
    started: float
    ended: float
    status: int
    error: str
    label: str
    predicted: str
    abstained: bool

    @property
    def good(self) -> bool:
        return self.status == 200 and not self.error

    @property
    def latency(self) -> float:
        """What someone who came at the intended time waited: time in our own queue counts."""
        return self.ended - self.intended

    @property
    def outcome(self) -> str:
        return self.error or str(self.status)


class Recorder:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.samples: list[Sample] = []
        self.outcomes: Counter[str] = Counter()
        self.verdicts: Counter[tuple[str, str]] = Counter()
        self.feedback: Counter[str] = Counter()
        self.latency_buckets = [0] * (len(BUCKETS) + 1)
        self.latency_sum = 0.0
        self.connections_opened = 0

    def add(self, sample: Sample) -> None:
        with self.lock:
            self.samples.append(sample)
            self.outcomes[sample.outcome] += 1
            if sample.good:
                self.verdicts[sample.label, sample.predicted] += 1
                bucket = next((i for i, bound in enumerate(BUCKETS) if sample.latency <= bound), len(BUCKETS))
                self.latency_buckets[bucket] += 1
                self.latency_sum += sample.latency

    def add_feedback(self, outcome: str) -> None:
        with self.lock:
            self.feedback[outcome] += 1

    def add_connections(self, opened: int) -> None:
        with self.lock:
            self.connections_opened += opened
