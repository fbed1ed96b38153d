# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of scripts/performance on cases that were worked out by hand."""

from __future__ import annotations

import random
import socket
import sys
import threading
import xml.etree.ElementTree as ElementTree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import pytest
from harness import SOURCE

sys.path.insert(0, str(SOURCE / "scripts"))

from performance.client import Connection  # noqa: E402
from performance.figures import latencies, over_time, percentile, scores, summary  # noqa: E402
from performance.live import Progress, exposition  # noqa: E402
from performance.load import Clock  # noqa: E402
from performance.pictures import read_pictures  # noqa: E402
from performance.plots import bar_chart, line_chart, ticks  # noqa: E402
from performance.record import UNSENT, Recorder, Sample  # noqa: E402
from performance.schedule import ClosedLoop, OpenLoop  # noqa: E402


def good(intended: float, latency: float, label: str = "cat", predicted: str = "cat", queued: float = 0.0) -> Sample:
    return Sample(intended, intended + queued, intended + latency, 200, "", label, predicted, False)


def bad(intended: float, status: int, error: str = "") -> Sample:
    return Sample(intended, intended, intended + 9, status, error, "dog", "", False)


def test_percentiles_are_of_the_nearest_rank() -> None:
    values = [float(value) for value in range(1, 1001)]
    assert [percentile(values, p) for p in (0.1, 50, 90, 99, 99.9, 100)] == [1, 500, 900, 990, 999, 1000]
    assert [percentile([1, 2, 3], p) for p in (33, 34, 50, 99)] == [1, 2, 2, 3]
    random.Random(1).shuffle(values)
    assert latencies([value / 1000 for value in values]) == {
        **{"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p99.9": 999},
        **{"mean": 500.5, "min": 1, "max": 1000},
    }
    assert latencies([]) == {}


def test_scores_of_a_confusion_matrix() -> None:
    pairs = [("cat", "cat")] * 6 + [("cat", "dog")] * 2 + [("dog", "dog")] * 3 + [("dog", "cat")]
    found = scores([good(0, 1, *pair) for pair in pairs], ["cat", "dog"])
    assert found["confusion"] == [[6, 2], [1, 3]] and found["verdicts"] == 12 and found["accuracy"] == 0.75
    assert found["by_label"]["cat"] == {"precision": 0.857143, "recall": 0.75, "f1": 0.8}
    assert found["by_label"]["dog"] == {"precision": 0.6, "recall": 0.75, "f1": 0.666667}
    assert found["macro_f1"] == 0.733333
    one = scores([good(0, 1)], ["cat", "dog"])
    assert one["by_label"]["dog"] == {"precision": None, "recall": None, "f1": None} and one["macro_f1"] is None
    assert scores([], ["cat", "dog"])["accuracy"] is None


def test_the_summary_counts_waiting_and_what_was_never_sent() -> None:
    samples = [good(0.5, 99.0), good(1, 0.25, queued=0.2), good(2, 0.05), bad(2.5, 503), bad(3, 0, UNSENT)]
    figures = summary(samples, ["cat", "dog"], begin=1, duration=4)
    assert figures["requests"] == {
        **{"meant": 4, "answered": 3, "good": 2, "unsent": 1, "error_rate": 0.5},
        "outcomes": {"200": 2, "503": 1, UNSENT: 1},
    }
    assert figures["latency_ms"]["from_intended_start"]["max"] == 250
    assert figures["latency_ms"]["from_sending"]["max"] == 50
    assert figures["elapsed_s"] == 11 and figures["throughput_per_s"] == round(2 / 11, 3)
    assert [row["from_s"] for row in figures["over_time"]] == list(range(1, 12))
    nothing = summary([], ["cat", "dog"], 0, 1)
    assert nothing["requests"]["error_rate"] is None and nothing["throughput_per_s"] == 0


def test_the_course_over_time() -> None:
    rows = over_time([good(0, 0.1), good(0.9, 0.3), good(1.5, 5), bad(2.4, 500)], 0, 2.5)
    assert [(row["from_s"], row["seconds"], row["requests"], row["good"], row["failed"]) for row in rows] == [
        (0, 1, 2, 2, 0),
        (1, 1, 1, 1, 0),
        (2, 0.5, 1, 0, 1),
    ]
    assert [row["latency_ms"].get("max") for row in rows] == [300, 5000, None]
    assert [row["finished"] for row in rows] == [1, 1, 1]
    assert len(over_time([], 0, 3600)) == 60


def starts(rate: float, duration: float, poisson: bool, seed: int = 0) -> list[float]:
    schedule = OpenLoop(rate, duration, poisson, seed)
    return list(iter(schedule.next, None))


def test_arrivals_of_the_open_loop() -> None:
    assert starts(4, 1.1, poisson=False) == [0, 0.25, 0.5, 0.75, 1.0]
    assert len(starts(30, 1, poisson=False)) == 30 and len(starts(10, 1, poisson=False)) == 10
    drawn = starts(200, 100, poisson=True)
    gaps = [after - before for before, after in zip(drawn, drawn[1:])]
    # Of a Poisson process with 20,000 expected arrivals: their number ± 5 sigma, gaps as scattered as they are long.
    assert abs(len(drawn) - 20_000) < 5 * 20_000**0.5
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert 0.9 < deviation / mean < 1.1
    assert drawn == starts(200, 100, True) != starts(200, 100, True, seed=1)


def test_the_closed_loop_ends_with_its_time() -> None:
    times = iter([0.5, 1.9, 2.0])
    schedule = ClosedLoop(2.0, lambda: next(times))
    assert [schedule.next(), schedule.next(), schedule.next()] == [0.5, 1.9, None]


def test_pictures_are_read_with_their_labels(tmp_path: Path) -> None:
    for folder, count in (("Cats", 5), ("dog", 2), ("bird", 3)):
        (tmp_path / folder).mkdir()
        for index in range(count):
            (tmp_path / folder / f"{index}.JPG").write_bytes(f"{folder}{index}".encode())
        (tmp_path / folder / "notes.txt").write_text("no picture")
    found = read_pictures(tmp_path, ["cat", "dog"], 100, 0)
    assert sorted(picture.label for picture in found) == ["cat"] * 5 + ["dog"] * 2
    assert all(b"Cats" in picture.body for picture in found if picture.label == "cat")
    few = [picture.label for picture in read_pictures(tmp_path, ["cat", "dog"], 4, 0)]
    assert sorted(few) == ["cat", "cat", "dog", "dog"]
    (tmp_path / "dog").rename(tmp_path / "wolf")
    with pytest.raises(ValueError, match="no folder of pictures for: dog"):
        read_pictures(tmp_path, ["cat", "dog"], 4, 0)


def test_ticks_are_round_and_reach_the_top() -> None:
    assert ticks(97) == [0, 20, 40, 60, 80, 100]
    assert ticks(0.3)[-1] >= 0.3 and ticks(0) == [0, 1]
    for most in (1e-6, 0.07, 1, 3, 999, 1001, 12345678):
        assert ticks(most)[-1] >= most and 3 <= len(ticks(most)) <= 7


def test_charts_are_sound_and_to_scale() -> None:
    chart = ElementTree.fromstring(line_chart("T & <T>", "s", "ms", {"p50": [(0, 0), (5, 50), (10, 100)], "none": []}))
    lines = chart.findall("polyline")
    (x0, y0), (x1, y1), (x2, y2) = (
        tuple(map(float, point.split(","))) for line in lines for point in line.attrib["points"].split()
    )
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2) and y0 - y1 == pytest.approx(y1 - y2, abs=0.2) and y0 > y2
    texts = [text.text for text in chart.findall("text")]
    assert {"T & <T>", "p50", "none", "s", "ms", "100"} <= set(texts)
    bars = ElementTree.fromstring(bar_chart("B", "x", "y", {"200": 30, "503": 10}))
    heights = [float(bar.attrib["height"]) for bar in bars.findall("rect")]
    assert heights[0] == pytest.approx(3 * heights[1], abs=0.2) and heights[1] > 0
    ElementTree.fromstring(bar_chart("B", "x", "y", {}))


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_the_progress_bar_is_for_terminals_only() -> None:
    recorder = Recorder()
    recorder.add(good(0, 0.25))
    recorder.add(bad(0, 503))
    terminal, pipe = Terminal(), StringIO()
    for out in (terminal, pipe):
        progress = Progress(recorder, Clock(), 100, out)
        progress.draw()
        progress.end()
    assert "1 good  1 failed" in terminal.getvalue() and "p95 250.0 ms" in terminal.getvalue()
    assert pipe.getvalue() == ""


def test_the_figures_for_prometheus() -> None:
    recorder = Recorder()
    for sample in (good(0, 0.001), good(0, 0.2, "dog", "cat"), good(0, 60), bad(0, 503), bad(0, 0, 'a "quote"')):
        recorder.add(sample)
    recorder.add_feedback("204")
    lines = exposition(recorder).splitlines()
    for line in (
        'load_requests_total{outcome="200"} 3',
        'load_requests_total{outcome="503"} 1',
        'load_requests_total{outcome="a \\"quote\\""} 1',
        'load_verdicts_total{label="cat",predicted="cat"} 2',
        'load_verdicts_total{label="dog",predicted="cat"} 1',
        'load_feedback_total{outcome="204"} 1',
        'load_request_duration_seconds_bucket{le="0.001"} 1',
        'load_request_duration_seconds_bucket{le="0.1"} 1',
        'load_request_duration_seconds_bucket{le="0.25"} 2',
        'load_request_duration_seconds_bucket{le="10"} 2',
        'load_request_duration_seconds_bucket{le="+Inf"} 3',
        "load_request_duration_seconds_sum 60.201000",
        "load_request_duration_seconds_count 3",
    ):
        assert line in lines


def test_connections_are_kept_and_opened_anew_when_the_service_closed_them() -> None:
    closed = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            # Closes without having said so, as when an idle connection has waited too long.
            self.close_connection = self.path == "/last"

        def finish(self) -> None:
            super().finish()
            self.connection.shutdown(socket.SHUT_RDWR)
            closed.set()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        connection = Connection(f"http://127.0.0.1:{server.server_address[1]}", 60)
        try:
            assert [connection.ask("GET", path).status for path in ("/", "/", "/last")] == [200] * 3
            assert connection.opened == 1 and closed.wait(60)
            assert connection.ask("GET", "/").status == 200 and connection.opened == 2
        finally:
            connection.close()
            server.shutdown()
            thread.join()
