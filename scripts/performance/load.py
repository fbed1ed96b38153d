# SPDX-License-Identifier: Apache-2.0
"""Sends the pictures: one thread for each connection, one more for the feedback."""

from __future__ import annotations

import http.client
import itertools
import json
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from performance.client import Connection
from performance.pictures import Picture
from performance.record import UNSENT, Recorder, Sample
from performance.schedule import Schedule


@dataclass(frozen=True)
class Target:
    url: str
    timeout: float
    deadline_ms: int  # 0: the service's own
    feedback: bool


class Clock:
    """Seconds since it was started."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def now(self) -> float:
        return time.perf_counter() - self._start


class Load:
    def __init__(self, target: Target, pictures: list[Picture], recorder: Recorder, clock: Clock) -> None:
        self._target = target
        self._recorder = recorder
        self._clock = clock
        self._pictures = itertools.cycle(pictures)
        self._picture_lock = threading.Lock()
        self._feedback: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._headers = {"X-Request-Timeout-Ms": str(target.deadline_ms)} if target.deadline_ms else {}

    def run(self, schedule: Schedule, connections: int, give_up: float, tick: Callable[[], None]) -> None:
        """Until the schedule ends or Ctrl-C; what can't start before `give_up` counts as failed, not as never asked."""
        workers = [
            threading.Thread(target=self._work, args=(schedule, give_up), daemon=True) for _ in range(connections)
        ]
        teller = threading.Thread(target=self._tell, daemon=True)
        for thread in (*workers, teller):
            thread.start()
        try:
            while any(worker.is_alive() for worker in workers):
                tick()
                self._stop.wait(0.1)
        except BaseException:
            self._stop.set()
            raise
        finally:
            for worker in workers:
                worker.join()
            self._feedback.put(None)
            teller.join()

    def _work(self, schedule: Schedule, give_up: float) -> None:
        connection = Connection(self._target.url, self._target.timeout)
        while not self._stop.is_set() and (intended := schedule.next()) is not None:
            if self._stop.wait(max(0.0, intended - self._clock.now())):
                break
            with self._picture_lock:
                picture = next(self._pictures)
            if self._clock.now() > give_up:
                now = self._clock.now()
                self._recorder.add(Sample(intended, now, now, 0, UNSENT, picture.label, "", False))
                continue
            self._predict(connection, picture, intended)
        self._recorder.add_connections(connection.opened)
        connection.close()

    def _predict(self, connection: Connection, picture: Picture, intended: float) -> None:
        started = self._clock.now()
        status, error, predicted, abstained, token = 0, "", "", False, ""
        try:
            headers = {"Content-Type": picture.content_type, **self._headers}
            reply = connection.ask("POST", "/predict", picture.body, headers)
            ended, status = self._clock.now(), reply.status
            if status == 200:
                verdict = reply.json()
                predicted, abstained = str(verdict["predicted_label"]), bool(verdict["abstained"])
                token = str(verdict["feedback_token"])
        except (OSError, http.client.HTTPException) as failure:
            ended, error = self._clock.now(), type(failure).__name__
        except (KeyError, TypeError, ValueError):
            error = "not a verdict"
        self._recorder.add(Sample(intended, started, ended, status, error, picture.label, predicted, abstained))
        if token and self._target.feedback:
            self._feedback.put((token, picture.label))

    def _tell(self) -> None:
        """Sends the true labels; on a connection of its own, so that it delays no picture."""
        connection = Connection(self._target.url, self._target.timeout)
        while (told := self._feedback.get()) is not None:
            body = json.dumps({"feedback_token": told[0], "label": told[1]}).encode()
            try:
                reply = connection.ask("POST", "/feedback", body, {"Content-Type": "application/json"})
                self._recorder.add_feedback(str(reply.status))
            except (OSError, http.client.HTTPException) as failure:
                self._recorder.add_feedback(type(failure).__name__)
        connection.close()
