# SPDX-License-Identifier: Apache-2.0
"""scripts/simulate_performance.py against the real service, and against one whose replies are spoiled."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import CAT, SOURCE, Server, free_port
from support import faulty, needs_server, nobody, run_script

pytestmark = needs_server
PICTURES = SOURCE / "examples" / "images"


def simulate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_script("simulate_performance.py", *arguments)


def metric(server: Server, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", server.ask("/metrics")[1].decode(), re.MULTILINE)
    assert found, f"no {name} in the metrics"
    return float(found[1])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[Server]:
    """With metrics that no other test has touched."""
    with Server() as running:
        yield running


def test_the_open_loop_sends_what_it_is_told_and_the_service_learns_the_labels(
    own_server: Server, tmp_path: Path
) -> None:
    report_file, page_file = tmp_path / "report.json", tmp_path / "report.html"
    arguments = ["--url", own_server.url, "--data", PICTURES, "--rate", "20", "--arrivals", "constant"]
    told = simulate(*arguments, "--duration", "2", "--min-accuracy", "1", "--json", report_file, "--html", page_file)
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stderr == "", "a progress bar where there is no terminal"
    report = json.loads(report_file.read_text())
    assert report["requests"] == {
        **{"meant": 40, "answered": 40, "good": 40, "unsent": 0, "error_rate": 0},
        "outcomes": {"200": 40},
    }
    assert report["model_scores"]["confusion"] == [[20, 0], [0, 20]] and report["model_scores"]["accuracy"] == 1
    assert report["model"]["labels"] == ["cat", "dog"] and len(report["model"]["sha256"]) == 64
    assert report["feedback"] == {"204": 40} and report["passed"] is True and report["interrupted"] is False
    assert [row["requests"] for row in report["over_time"][:2]] == [20, 20]
    assert sum(row["good"] for row in report["over_time"]) == sum(row["finished"] for row in report["over_time"]) == 40
    figures = report["latency_ms"]["from_intended_start"]
    assert 0 < figures["min"] <= figures["p50"] <= figures["p99"] <= figures["max"]
    assert metric(own_server, 'api_requests_total{endpoint="/predict",method="POST",status="200"}') == 40
    assert metric(own_server, "feedback_total") == 40 and metric(own_server, "model_accuracy") == 1
    page = page_file.read_text()
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert [ElementTree.fromstring(chart).attrib["aria-label"] for chart in charts] == [
        "Latency from the intended start",
        "Throughput",
        "Outcomes",
    ]
    assert "All thresholds hold." in page and not re.search(r'(src|href)="', page)


def test_the_closed_loop_keeps_its_connections_and_sends_no_feedback_if_told_so(own_server: Server) -> None:
    arguments = ["--url", own_server.url, "--data", PICTURES, "--concurrency", "3", "--duration", "1"]
    before = metric(own_server, "connections_accepted_total")
    told = simulate(*arguments, "--no-feedback")
    # Three that load, one for GET /model, one for this question.
    assert metric(own_server, "connections_accepted_total") == before + 5
    assert told.returncode == 0 and "feedback: none" in told.stdout, told.stdout + told.stderr
    good, meant = map(int, re.findall(r"^(\d+) of (\d+) requests good", told.stdout)[0])
    assert good == meant >= 3
    assert metric(own_server, 'api_requests_total{endpoint="/predict",method="POST",status="200"}') == good
    assert metric(own_server, "feedback_total") == 0


def test_an_open_loop_counts_what_people_wait_for_a_slow_service(server: Server, tmp_path: Path) -> None:
    # One connection and 0.1 s for each answer: at 40 a second the last of 40 starts 3 s too late.
    def slow(status: int, body: bytes) -> tuple[int, bytes]:
        time.sleep(0.1)
        return status, body

    report_file = tmp_path / "report.json"
    with faulty(server.url, {"/predict": slow}) as url:
        arguments = ["--url", url, "--data", PICTURES, "--rate", "40", "--arrivals", "constant", "--connections", "1"]
        told = simulate(*arguments, "--duration", "1", "--timeout", "60", "--json", report_file)
    assert told.returncode == 0, told.stdout + told.stderr
    report = json.loads(report_file.read_text())
    assert report["requests"]["good"] == 40
    waited, served = report["latency_ms"]["from_intended_start"], report["latency_ms"]["from_sending"]
    assert served["p50"] >= 100 and waited["max"] >= 40 * 100 - 1000 and waited["p50"] > 5 * 100


def test_what_could_never_be_sent_is_a_failure(server: Server, tmp_path: Path) -> None:
    released, report_file = threading.Event(), tmp_path / "report.json"

    def stuck(status: int, body: bytes) -> tuple[int, bytes]:
        released.wait(60)
        return status, body

    with faulty(server.url, {"/predict": stuck}) as url:
        arguments = ["--url", url, "--data", PICTURES, "--rate", "10", "--arrivals", "constant", "--connections", "1"]
        told = simulate(*arguments, "--duration", "1", "--timeout", "3", "--json", report_file)
        released.set()
    report = json.loads(report_file.read_text())
    assert told.returncode == 1 and report["requests"]["meant"] == 10, told.stdout + told.stderr
    assert report["requests"]["good"] == 0 and report["requests"]["error_rate"] == 1
    assert report["requests"]["unsent"] >= 5 and report["requests"]["outcomes"]["TimeoutError"] >= 1


def every_third_is_refused() -> Any:
    count = iter(range(10**9))
    return lambda status, body: (503, b"{}") if next(count) % 3 == 0 else (status, body)


@pytest.mark.parametrize(
    ("threshold", "holds"),
    [
        ("--max-error-rate=0.3", False),
        ("--max-error-rate=0.5", True),
        ("--min-throughput=1e6", False),
        ("--min-throughput=0.1", True),
        ("--max-p50-ms=0.001", False),
        ("--max-p95-ms=0.001", False),
        ("--max-p99-ms=0.001", False),
        ("--max-p99-ms=60000", True),
        ("--min-accuracy=0.8", False),
        ("--min-accuracy=0.4", True),
        ("--min-f1=0.8", False),
        ("--min-f1=0.3", True),
    ],
)
def test_each_threshold_decides_the_exit_code(server: Server, tmp_path: Path, threshold: str, holds: bool) -> None:
    # Every third request is refused; the folders call both pictures of a cat once cat, once dog: accuracy 1/2, F1 1/3.
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        shutil.copy(CAT, tmp_path / label)
    with faulty(server.url, {"/predict": every_third_is_refused()}) as url:
        arguments = ["--url", url, "--data", tmp_path, "--rate", "30", "--arrivals", "constant", "--duration", "1"]
        told = simulate(*arguments, "--connections", "1", "--max-error-rate", "0.5", threshold)
    assert told.returncode == (0 if holds else 1), told.stdout + told.stderr
    flag, _, limit = threshold.partition("=")
    assert f"{'holds ' if holds else 'BROKEN'}  {flag} {float(limit):g}: " in told.stdout
    assert "20 of 30 requests good" in told.stdout and "200: 20, 503: 10" in told.stdout
    assert "accuracy 0.5  macro F1 0.333333" in told.stdout


def test_a_deadline_is_asked_for_and_the_warm_up_left_out(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []
    with faulty(server.url, {}, seen) as url:
        arguments = ["--url", url, "--data", PICTURES, "--rate", "10", "--arrivals", "constant", "--duration", "2"]
        told = simulate(*arguments, "--deadline-ms", "50000", "--warm-up", "1", "--json", tmp_path / "report.json")
        assert told.returncode == 0, told.stdout + told.stderr
        assert seen.count(("/predict", "50000")) == 20
        simulate(*arguments)
    assert seen.count(("/predict", "50000")) == 20 == seen.count(("/predict", ""))
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["requests"]["meant"] == 10 and report["over_time"][0]["from_s"] == 1


def test_feedback_tells_the_true_label_not_what_was_said(own_server: Server, tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        shutil.copy(CAT, tmp_path / label)
    arguments = [
        "--url",
        own_server.url,
        "--data",
        tmp_path,
        "--rate",
        "20",
        "--arrivals",
        "constant",
        "--duration",
        "1",
    ]
    told = simulate(*arguments)
    assert told.returncode == 0 and "feedback: 204: 20" in told.stdout, told.stdout + told.stderr
    assert metric(own_server, "model_accuracy") == 0.5


def test_a_verdict_that_is_none_is_an_error_even_with_200(server: Server) -> None:
    with faulty(server.url, {"/predict": lambda *_: (200, b"<html>")}) as url:
        arguments = ["--url", url, "--data", PICTURES, "--rate", "5", "--arrivals", "constant", "--duration", "1"]
        told = simulate(*arguments, "--max-error-rate", "1")
        unknown = simulate(*arguments, "--max-error-rate", "1", "--min-accuracy", "0", "--max-p99-ms", "1e9")
    assert told.returncode == 1 and "0 of 5 requests good" in told.stdout and "not a verdict: 5" in told.stdout
    # A figure that there isn't holds no threshold.
    for line in (
        "holds   --max-error-rate 1: 1.0",
        "BROKEN  --min-accuracy 0: None",
        "BROKEN  --max-p99-ms 1e+09: None",
    ):
        assert line in unknown.stdout


def test_without_service_url_or_pictures_it_says_so(server: Server, tmp_path: Path) -> None:
    rest = ["--rate", "1", "--duration", "1"]
    for arguments, message in (
        (["--data", PICTURES, *rest], "give --url or set SERVICE_URL"),
        (["--url", nobody(), "--data", PICTURES, *rest], "no answer from"),
        (["--url", "nonsense", "--data", PICTURES, *rest], "is no URL such as"),
        (["--url", server.url + "/nowhere", "--data", PICTURES, *rest], "404 from"),
        (["--url", server.url, "--data", tmp_path, *rest], "no folder of pictures for: cat, dog"),
        (["--url", server.url, "--data", tmp_path / "none", *rest], "is no folder"),
        (["--url", server.url, "--data", PICTURES, "--rate", "0", "--duration", "1"], "--rate must be above 0"),
        (["--url", server.url, "--data", PICTURES, "--rate", "1", "--concurrency", "1", *rest], "not allowed with"),
    ):
        told = simulate(*arguments)
        assert told.returncode == 2 and message in told.stderr, (arguments, told.stdout + told.stderr)


def ignore_sigint() -> None:
    """As a shell does for what it runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_its_own_figures_and_an_interrupted_run(server: Server, tmp_path: Path, number: signal.Signals) -> None:
    port, report_file = free_port(), tmp_path / "report.json"
    arguments = ["--url", server.url, "--data", PICTURES, "--rate", "20", "--duration", "600", "--json", report_file]
    command = [sys.executable, SOURCE / "scripts" / "simulate_performance.py", *arguments, "--metrics-port", str(port)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "preexec_fn": ignore_sigint}
    with subprocess.Popen([*map(str, command)], **pipes) as running:
        try:
            assert running.stderr is not None
            assert running.stderr.readline() == f"metrics: http://127.0.0.1:{port}/metrics\n"
            limit, text = time.monotonic() + 60, ""
            while "load_feedback_total{" not in text and time.monotonic() < limit:
                time.sleep(0.05)
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as reply:
                    text = reply.read().decode()
            assert 'load_requests_total{outcome="200"} ' in text and 'load_feedback_total{outcome="204"} ' in text
            promtool = shutil.which("promtool")
            if promtool:
                subprocess.run([promtool, "check", "metrics"], input=text, text=True, check=True, timeout=60)
            running.send_signal(number)
            out, err = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 130, out + err
    report = json.loads(report_file.read_text())
    assert report["interrupted"] is True and report["requests"]["good"] > 0 and report["elapsed_s"] < 600
    assert len(report["over_time"]) < 600


def test_on_a_terminal_it_draws_its_progress(server: Server) -> None:
    master, slave = os.openpty()
    command = [sys.executable, SOURCE / "scripts" / "simulate_performance.py", "--url", server.url, "--data", PICTURES]
    loop = ["--concurrency", "1", "--duration", "1"]
    with subprocess.Popen([*map(str, command), *loop], stdout=subprocess.DEVNULL, stderr=slave) as running:
        os.close(slave)
        drawn = b""
        try:
            while block := os.read(master, 65536):
                drawn += block
        except OSError:  # the other end is closed
            pass
        assert running.wait(60) == 0
    os.close(master)
    assert b"[######" in drawn and b" good  0 failed " in drawn and b"/1 s" in drawn
