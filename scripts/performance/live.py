# SPDX-License-Identifier: Apache-2.0
"""What can be seen while it runs: a progress bar on a terminal, figures for Prometheus."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TextIO

from performance.figures import percentile
from performance.load import Clock
from performance.record import BUCKETS, Recorder

RECENT = 1000  # samples that the progress bar's percentile is over


class Progress:
    """Draws over one line; silent where that is no terminal."""

    def __init__(self, recorder: Recorder, clock: Clock, duration: float, out: TextIO = sys.stderr) -> None:
        self._recorder = recorder
        self._clock = clock
        self._duration = duration
        self._out = out
        self._on = out.isatty()

    def draw(self) -> None:
        if not self._on:
            return
        now = self._clock.now()
        with self._recorder.lock:
            recent = sorted(sample.latency for sample in self._recorder.samples[-RECENT:] if sample.good)
            total, good = len(self._recorder.samples), self._recorder.outcomes["200"]
        done = min(1.0, now / self._duration)
        bar = "#" * round(done * 30)
        p95 = f"{percentile(recent, 95) * 1000:.1f} ms" if recent else "–"
        text = f"[{bar:.<30}] {min(now, self._duration):.0f}/{self._duration:g} s  {good} good"
        self._out.write(f"\r\x1b[K{text}  {total - good} failed  {good / max(now, 1e-3):.1f}/s  p95 {p95}")
        self._out.flush()

    def end(self) -> None:
        if self._on:
            self._out.write("\n")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def exposition(recorder: Recorder) -> str:
    """Prometheus's text format."""
    with recorder.lock:
        outcomes, verdicts, feedback = dict(recorder.outcomes), dict(recorder.verdicts), dict(recorder.feedback)
        buckets, total = list(recorder.latency_buckets), recorder.latency_sum
    lines = [
        "# HELP load_requests_total Requests by the status of the reply, or why there was none.",
        "# TYPE load_requests_total counter",
        *(f"load_requests_total{{outcome={_quoted(name)}}} {n}" for name, n in sorted(outcomes.items())),
        "# HELP load_verdicts_total Verdicts by true label and by what was said.",
        "# TYPE load_verdicts_total counter",
        *(
            f"load_verdicts_total{{label={_quoted(label)},predicted={_quoted(predicted)}}} {n}"
            for (label, predicted), n in sorted(verdicts.items())
        ),
        "# HELP load_feedback_total True labels sent, by the status of the reply.",
        "# TYPE load_feedback_total counter",
        *(f"load_feedback_total{{outcome={_quoted(name)}}} {n}" for name, n in sorted(feedback.items())),
        "# HELP load_request_duration_seconds Time of good answers from the intended start.",
        "# TYPE load_request_duration_seconds histogram",
    ]
    below = 0
    for bound, count in zip((*BUCKETS, None), buckets):
        below += count
        lines.append(
            f'load_request_duration_seconds_bucket{{le="{"+Inf" if bound is None else f"{bound:g}"}"}} {below}'
        )
    lines += [f"load_request_duration_seconds_sum {total:.6f}", f"load_request_duration_seconds_count {below}"]
    return "\n".join(lines) + "\n"


@contextmanager
def metrics_server(recorder: Recorder, address: str, port: int) -> Iterator[int]:
    """Serves GET /metrics until the block ends; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/metrics"
            body = (exposition(recorder) if known else "only /metrics is here\n").encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer((address, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
