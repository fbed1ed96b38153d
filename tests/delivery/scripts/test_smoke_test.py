# SPDX-License-Identifier: Apache-2.0
"""scripts/smoke_test.py says yes to a service that works and no to all others, each with the reason."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import CAT, Server
from support import Fault, faulty, needs_server, nobody, run_script, silent

pytestmark = needs_server
CHECKS = ["ready", "health", "metadata", "version", "metrics", "cat", "broken cat", "dog", "broken dog"]


def smoke(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_script("smoke_test.py", *arguments, **environment)


def lines(told: subprocess.CompletedProcess[str], outcome: str) -> list[str]:
    """The names of the checks that passed or failed."""
    return [line[6:].partition(":")[0] for line in told.stdout.splitlines() if line.startswith(f"{outcome}  ")]


def assert_failed(told: subprocess.CompletedProcess[str], *checks: str) -> None:
    assert lines(told, "FAIL") == list(checks), told.stdout + told.stderr
    assert told.returncode == 1 and told.stdout.splitlines()[-1] == f"smoke test: FAILED: {', '.join(checks)}"


@pytest.fixture(scope="module")
def healthy() -> Iterator[Server]:
    with Server() as server:
        yield server


def test_a_healthy_service_passes_every_check(healthy: Server) -> None:
    told = smoke("--url", healthy.url)
    assert (told.returncode, lines(told, "pass"), lines(told, "FAIL")) == (0, CHECKS, []), told.stdout + told.stderr
    assert told.stdout.splitlines()[-1] == f"smoke test: all {len(CHECKS)} checks hold"
    by_environment = smoke(SERVICE_URL=healthy.url + "/")
    assert (by_environment.returncode, lines(by_environment, "pass")) == (0, CHECKS)


def test_the_versions_must_be_those_expected(healthy: Server) -> None:
    version = json.loads(healthy.ask("/v2")[1])["version"]
    sha256 = json.loads(healthy.ask("/model")[1])["sha256"]
    right = smoke("--url", healthy.url, "--expect-version", f"v{version}", "--expect-model-sha256", sha256)
    assert right.returncode == 0 and "model sha256" in lines(right, "pass"), right.stdout
    wrong = smoke("--url", healthy.url, "--expect-version", "99.0.1")
    assert_failed(wrong, "version")
    assert f"version {version} answers, not 99.0.1" in wrong.stdout
    assert_failed(smoke("--url", healthy.url, "--expect-model-sha256", "0" * 64), "model sha256")
    assert smoke("--url", healthy.url, "--expect-revision", "unknown").returncode == 0
    assert_failed(smoke("--url", healthy.url, "--expect-revision", "0a1b2c3"), "revision")
    for empty in ("--expect-version", "--expect-revision", "--expect-model-sha256"):
        told = smoke("--url", healthy.url, empty, "")
        assert told.returncode == 2 and f"{empty} is empty" in told.stderr


def test_the_metrics_may_have_a_port_of_their_own(healthy: Server) -> None:
    told = smoke("--url", healthy.url, "--metrics-url", healthy.admin_url)
    assert told.returncode == 0 and f"samples from {healthy.admin_url}" in told.stdout
    assert_failed(smoke("--url", healthy.url, "--metrics-url", nobody()), "version")


def test_without_a_url_it_fails(healthy: Server) -> None:
    for told in (smoke(), smoke(SERVICE_URL=""), smoke("--url", "", SERVICE_URL=healthy.url), smoke("--url", " ")):
        assert told.returncode == 2 and "give --url or set SERVICE_URL" in told.stderr and told.stdout == ""
    told = smoke("--url", healthy.url.removeprefix("http://"))
    assert told.returncode == 2 and "is no URL such as" in told.stderr


def test_a_draining_service_fails() -> None:
    with Server("--grace-ms", "300000", "--drain-limit-ms", "310000") as server:
        server.process.send_signal(signal.SIGTERM)
        limit = time.monotonic() + 60
        while server.ask("/health/ready")[0] == 200 and time.monotonic() < limit:
            time.sleep(0.02)
        told = smoke("--url", server.url)
    assert_failed(told, "ready", "health", "metrics")
    assert "503" in told.stdout and "draining" in told.stdout


def test_a_service_without_its_model_fails(tmp_path: Path) -> None:
    # It listens and loads for ever: nobody writes into the pipe.
    os.mkfifo(tmp_path / "model.pt")
    with Server("--model", str(tmp_path / "model.pt"), wait_until_ready=False) as server:
        told = smoke("--url", server.url, "--wait", "0.3")
    broken = [name for name in CHECKS if name != "version"]
    assert_failed(told, *broken)
    assert "the model is being loaded" in told.stdout and "(waited for 0.3 s)" in told.stdout
    assert "FAIL  cat: 503 from" in told.stdout and "FAIL  broken dog: 503 instead of 4xx" in told.stdout


def test_an_absent_service_fails_at_once_or_after_the_wait() -> None:
    for wait in ([], ["--wait", "0.5"]):
        told = smoke("--url", nobody(), *wait)
        assert_failed(told, "ready")
        assert "no answer from" in told.stdout and "refused" in told.stdout


def test_a_service_that_never_answers_fails() -> None:
    with silent() as url:
        told = smoke("--url", url, "--timeout", "0.5")
    assert_failed(told, "ready")
    assert "timed out" in told.stdout


def test_it_waits_until_the_service_is_ready(healthy: Server) -> None:
    asked = []

    def not_yet(status: int, body: bytes) -> tuple[int, bytes]:
        asked.append(status)
        return (status, body) if len(asked) > 3 else (503, b"{}")

    with faulty(healthy.url, {"/health/ready": not_yet}) as url:
        assert_failed(smoke("--url", url), "ready")
        told = smoke("--url", url, "--wait", "120")
    assert (told.returncode, len(asked), lines(told, "FAIL")) == (0, 4, []), told.stdout


def say(status: int, body: str) -> Fault:
    return lambda *_: (status, body.encode())


def replace(old: str, new: str) -> Fault:
    return lambda status, body: (status, body.replace(old.encode(), new.encode()))


def broken_picture_gets(status: int) -> Fault:
    return lambda real, body: (real, body) if real == 200 else (status, body)


@pytest.mark.parametrize(
    ("path", "fault", "failed"),
    [
        ("/health", replace('"healthy"', '"unhealthy"'), ["health"]),
        ("/health", replace('"model_loaded":true', '"model_loaded":false'), ["health"]),
        ("/health", say(200, "<html>"), ["health"]),
        ("/health", say(200, "[]"), ["health"]),
        ("/model", replace('["cat","dog"]', '["dog","cat"]'), ["metadata"]),
        ("/model", replace('"sha256":"', '"sha256":"x'), ["metadata"]),
        ("/model", say(404, "{}"), ["metadata"]),
        ("/v2", replace('"version":"', '"version":"9'), ["version"]),
        ("/metrics", replace("build_info{", "build{"), ["version"]),
        ("/metrics", replace("\nmodel_loaded 1", "\nmodel_loaded 0"), ["metrics"]),
        ("/metrics", replace("\nworkers ", "\nworker "), ["metrics"]),
        ("/predict", replace('"predicted_label":"dog"', '"predicted_label":"cat"'), ["dog"]),
        ("/predict", replace('"predicted_label":"cat"', '"predicted_label":"dog"'), ["cat"]),
        ("/predict", replace('"probabilities":{"cat":', '"probabilities":{"cat":1'), ["cat", "dog"]),
        ("/predict", replace('"confidence":0.', '"confidence":0.0'), ["cat", "dog"]),
        ("/predict", say(503, "{}"), ["cat", "broken cat", "dog", "broken dog"]),
        ("/predict", broken_picture_gets(200), ["broken cat", "broken dog"]),
        ("/predict", broken_picture_gets(500), ["broken cat", "broken dog"]),
    ],
)
def test_each_wrong_reply_fails_its_check(healthy: Server, path: str, fault: Fault, failed: list[str]) -> None:
    with faulty(healthy.url, {path: fault}) as url:
        assert_failed(smoke("--url", url), *failed)


def test_pictures_that_are_not_there_or_are_the_wrong_animal_fail(healthy: Server, tmp_path: Path) -> None:
    assert_failed(smoke("--url", healthy.url, "--pictures", tmp_path), "cat", "dog")
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        shutil.copy(CAT, tmp_path / label)
    told = smoke("--url", healthy.url, "--pictures", tmp_path)
    assert_failed(told, "dog")
    assert "chelsea.png is called a cat" in told.stdout


@pytest.fixture
def package() -> str:
    found = os.environ.get("CATDOG_PYTHON_PACKAGE")
    if not found:
        pytest.skip("needs CATDOG_PYTHON_PACKAGE, the folder of the built Python package")
    return found


def test_the_bindings_pass_without_http(package: str) -> None:
    told = smoke("--bindings", PYTHONPATH=package, SERVICE_URL=nobody())
    assert told.returncode == 0 and lines(told, "FAIL") == [], told.stdout + told.stderr
    assert {"import", "the shipped model tells cat from dog"} <= set(lines(told, "pass"))
    assert_failed(smoke("--bindings", "--expect-version", "99.0.1", PYTHONPATH=package), "version")
    both = smoke("--bindings", "--url", nobody(), PYTHONPATH=package)
    assert_failed(both, "ready")


def test_bindings_that_are_missing_or_broken_fail(tmp_path: Path) -> None:
    (tmp_path / "catdog.py").write_text("raise ImportError('libcatdog.so.1 is missing')\n")
    assert_failed(smoke("--bindings", PYTHONPATH=str(tmp_path)), "import")
    (tmp_path / "catdog.py").write_text(
        "__version__ = '0'\nclass Classifier:\n    def __init__(self, **_): raise OSError('no model')\n"
    )
    told = smoke("--bindings", PYTHONPATH=str(tmp_path))
    assert told.returncode == 1 and "the shipped model tells cat from dog" in lines(told, "FAIL"), told.stdout
    assert "no model" in told.stdout
