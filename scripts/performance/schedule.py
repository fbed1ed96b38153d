# SPDX-License-Identifier: Apache-2.0
"""When requests are meant to start, in seconds from the beginning of the run."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Protocol


class Schedule(Protocol):
    def next(self) -> float | None:
        """The next intended start, or None when the run is over. For any thread."""


class OpenLoop:
    """Arrivals at a rate that doesn't care how the service does, as those of many people who don't know each other."""

    def __init__(self, rate: float, duration: float, poisson: bool, seed: int) -> None:
        self._rate = rate
        self._duration = duration
        self._chance = random.Random(seed) if poisson else None
        self._lock = threading.Lock()
        self._at = 0.0
        self._taken = 0

    def next(self) -> float | None:
        with self._lock:
            at = self._at
            self._taken += 1
            self._at = at + self._chance.expovariate(self._rate) if self._chance else self._taken / self._rate
            return at if at < self._duration else None


class ClosedLoop:
    """Each connection asks again as soon as it has its answer."""

    def __init__(self, duration: float, now: Callable[[], float]) -> None:
        self._duration = duration
        self._now = now

    def next(self) -> float | None:
        at = self._now()
        return at if at < self._duration else None
