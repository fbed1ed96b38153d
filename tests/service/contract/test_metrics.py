# SPDX-License-Identifier: Apache-2.0
"""/metrics after varied use, to the eyes of Prometheus' own linter."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
from harness import CAT, DOG, Server

EXPECTED = """
api_requests_total errors_total rejected_total requests_abandoned_total requests_in_flight
connections_open connections_accepted_total received_body_bytes_total sent_body_bytes_total
api_request_duration_seconds queue_wait_seconds decode_duration_seconds preprocess_duration_seconds
inference_duration_seconds prediction_latency_seconds
predictions_total predictions_abstained_total prediction_confidence pictures_total picture_size_bytes picture_pixels
request_pictures throughput_requests_per_second queue_depth queue_bytes queue_predicted_wait_seconds
workers workers_busy worker_service_seconds server_draining
model_accuracy model_precision model_recall model_f1_score feedback_total feedback_window_answers
model_info model_loaded model_load_duration_seconds model_reloads_total
process_cpu_seconds_total process_resident_memory_bytes process_virtual_memory_bytes process_threads process_open_fds
process_max_fds process_start_time_seconds process_uptime_seconds
system_cpu_seconds_total system_load1 system_memory_total_bytes system_memory_available_bytes
cgroup_cpu_throttled_seconds_total cgroup_memory_limit_bytes build_info log_lines_lost_total
""".split()
LABELS = {
    "api_requests_total": {"endpoint", "method", "status"},
    "predictions_total": {"answer", "label", "confidence"},
    "errors_total": {"type"},
    "model_precision": {"label"},
    "model_recall": {"label"},
    "model_f1_score": {"label"},
}


@pytest.fixture(scope="module")
def used() -> Iterator[Server]:
    """A server that has answered all kinds of requests: right ones, wrong ones, feedback."""
    with Server("--workers", "2") as server:
        for round_ in range(20):
            for image, label in ((DOG, "dog"), (CAT, "cat")):
                status, answer = server.predict(image.read_bytes())
                assert status == 200
                truth = label if round_ % 4 else "cat"
                body = json.dumps({"feedback_token": answer["feedback_token"], "label": truth}).encode()
                assert server.ask("/feedback", body, {"Content-Type": "application/json"})[0] == 204
        assert server.predict(b"no image")[0] == 415
        assert server.predict(DOG.read_bytes()[:2000])[0] == 422
        assert server.ask("/predict", b"{", {"Content-Type": "application/json"})[0] == 400
        assert (
            server.ask("/feedback", b'{"feedback_token": "x", "label": "cat"}', {"Content-Type": "application/json"})[0]
            == 400
        )
        for path in ("/", "/docs", "/openapi.json", "/model", "/health", "/health/live", "/health/ready", "/v2"):
            assert server.ask(path)[0] == 200
        assert server.ask("/nothing")[0] == 404
        assert server.ask("/predict")[0] == 405
        yield server


def series_of(text: str) -> list[str]:
    return [line.rsplit(" ", 1)[0] for line in text.splitlines() if line and not line.startswith("#")]


def test_promtool_finds_nothing(used: Server) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing (on Debian: apt-get install prometheus)")
    for url in (used.url, used.admin_url):
        with urllib.request.urlopen(url + "/metrics", timeout=60) as reply:
            text = reply.read()
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout + done.stderr) == (0, b""), url


def test_there_are_enough_and_none_is_missing(used: Server) -> None:
    text = used.ask("/metrics")[1].decode()
    families = re.findall(r"^# TYPE (\S+) \S+$", text, re.MULTILINE)
    assert len(families) == len(set(families)) >= 31
    series = series_of(text)
    assert len(series) == len(set(series)) >= 60
    assert len(EXPECTED) >= 31
    assert [name for name in EXPECTED if name not in families] == []
    assert len(series) < 2000, "labels must be bounded"


def test_labels_are_those_that_dashboards_ask_for(used: Server) -> None:
    series = series_of(used.ask("/metrics")[1].decode())
    for name, labels in LABELS.items():
        found = [line for line in series if line.startswith(name + "{")]
        assert found, name
        for line in found:
            assert set(re.findall(r'(\w+)="', line)) == labels, line
    quantiles = {found.group(1) for line in series if (found := re.search(r'quantile="([^"]+)"', line))}
    assert quantiles == {"0.5", "0.9", "0.95", "0.99"}
    buckets = [
        float(found) for found in re.findall(r'inference_duration_seconds_bucket\{le="([0-9.e-]+)"', "\n".join(series))
    ]
    assert min(buckets) <= 1e-4 and max(buckets) >= 10


def test_each_has_a_help_text(used: Server) -> None:
    text = used.ask("/metrics")[1].decode()
    families = set(re.findall(r"^# TYPE (\S+) \S+$", text, re.MULTILINE))
    assert set(re.findall(r"^# HELP (\S+) \S.*$", text, re.MULTILINE)) == families


def test_numbers_are_those_of_the_use(used: Server) -> None:
    values = dict(line.rsplit(" ", 1) for line in used.ask("/metrics")[1].decode().splitlines() if line[:1] != "#")
    assert float(values['api_requests_total{endpoint="/predict",method="POST",status="200"}']) == 40
    assert float(values['api_requests_total{endpoint="/feedback",method="POST",status="400"}']) == 1
    assert float(values['errors_total{type="corrupt-picture"}']) == 1
    # A quarter of the dogs were said to be cats.
    assert float(values["model_accuracy"]) == pytest.approx(35 / 40)
    assert float(values['model_recall{label="dog"}']) == 1
    assert float(values['model_precision{label="dog"}']) == pytest.approx(15 / 20)
