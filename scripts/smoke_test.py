#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the service that was just deployed work? Exits with 0 only if every check holds, and says each by name.

  smoke_test.py --url http://127.0.0.1:8000 --wait 60 --expect-version 0.1.0
  smoke_test.py --bindings        the same questions through `import catdog`, without HTTP (needs pytest)

Without --url the environment's SERVICE_URL counts. Exit code 1: a check failed; 2: wrong arguments or no URL.
"""

from __future__ import annotations

import argparse
import email.message
import http.client
import json
import math
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from performance.pictures import as_form

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "examples" / "images"
BINDINGS_TESTS = ROOT / "tests" / "python" / "test_smoke.py"
METRICS = ("api_requests_total", "model_info", "model_loaded", "queue_depth", "server_draining", "workers")


class CheckFailed(Exception):
    """Says why a check doesn't hold."""


class Unreachable(CheckFailed):
    """Nobody answered."""


class Reply(NamedTuple):
    status: int
    headers: email.message.Message
    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            raise CheckFailed(f"the reply isn't JSON: {self.body[:80]!r}") from None


def require(condition: object, why: str) -> None:
    if not condition:
        raise CheckFailed(why)


def ask(url: str, timeout: float, body: bytes | None = None, content_type: str = "") -> Reply:
    """The reply, whatever its status."""
    headers = {"Content-Type": content_type} if content_type else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=timeout) as reply:
            return Reply(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as refusal:
        return Reply(refusal.code, refusal.headers, refusal.read())
    except (OSError, http.client.HTTPException) as failure:
        raise Unreachable(f"no answer from {url}: {getattr(failure, 'reason', None) or repr(failure)}") from None


def ask_for_200(url: str, timeout: float, body: bytes | None = None, content_type: str = "") -> Reply:
    reply = ask(url, timeout, body, content_type)
    require(reply.status == 200, f"{reply.status} from {url}: {reply.body[:200].decode(errors='replace')}")
    return reply


class Service:
    """The questions to a running service; each returns what to print, or raises CheckFailed."""

    def __init__(self, url: str, timeout: float, metrics_url: str) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self.metrics_url = metrics_url.rstrip("/") or self.url

    def ready(self, wait: float) -> str:
        """Asks until it is ready or the time is over; at least once."""
        start = time.monotonic()
        while True:
            try:
                ask_for_200(self.url + "/health/ready", self.timeout)
                return f"after {time.monotonic() - start:.1f} s"
            except CheckFailed as failure:
                if time.monotonic() - start >= wait:
                    suffix = f" (waited for {wait:g} s)" if wait else " (--wait SECONDS waits for it)"
                    raise type(failure)(f"{failure}{suffix}") from None
            time.sleep(min(0.2, wait))

    def health(self) -> str:
        state = ask_for_200(self.url + "/health", self.timeout).json()
        require(state.get("status") == "healthy", f"the status is {state.get('status')!r}")
        require(state.get("model_loaded") is True, "no model is loaded")
        return f"healthy on {state.get('device')}"

    def metadata(self) -> str:
        model = ask_for_200(self.url + "/model", self.timeout).json()
        require(model.get("labels") == ["cat", "dog"], f"the labels are {model.get('labels')}")
        require(re.fullmatch("[0-9a-f]{64}", str(model.get("sha256"))), f"no SHA-256: {model.get('sha256')!r}")
        require(model.get("name") and model.get("version"), "the model has no name or no version")
        return f"{model['name']} {model['version']}, {model['engine']} {model['precision']}, {model['sha256'][:12]}"

    def model_sha256(self, expected: str) -> str:
        found = ask_for_200(self.url + "/model", self.timeout).json().get("sha256")
        require(found == expected, f"the model's SHA-256 is {found}, not {expected}")
        return expected[:12]

    def revision(self, expected: str) -> str:
        build = re.search(r'^build_info\{.*\brevision="([^"]*)"', self.metrics_text(), re.MULTILINE)
        found = build[1] if build else "none"
        require(found == expected, f"revision {found} answers, not {expected}")
        return found

    def version(self, expected: str) -> str:
        """The server's version, which it says in two places."""
        reply = ask_for_200(self.url + "/v2", self.timeout)
        found = str(reply.json().get("version"))
        if expected:
            require(found == expected, f"version {found} answers, not {expected}")
        build = re.search(r'^build_info\{.*\bversion="([^"]*)"', self.metrics_text(), re.MULTILINE)
        require(build and build[1] == found, f"/v2 says version {found}, build_info {build and build[1]}")
        return found

    def metrics_text(self) -> str:
        reply = ask_for_200(self.metrics_url + "/metrics", self.timeout)
        kind = str(reply.headers["Content-Type"])
        require(kind.startswith("text/plain"), f"the metrics are of the type {kind}")
        return reply.body.decode()

    def metrics(self) -> str:
        samples = dict(re.findall(r"^([a-z0-9_]+(?:\{[^}]*\})?) (\S+)$", self.metrics_text(), re.MULTILINE))
        names = {sample.partition("{")[0] for sample in samples}
        missing = [name for name in METRICS if name not in names]
        require(not missing, f"missing: {', '.join(missing)}")
        require(float(samples["model_loaded"]) == 1, "model_loaded isn't 1")
        require(float(samples["server_draining"]) == 0, "the service is draining")
        return f"{len(samples)} samples from {self.metrics_url}"

    def predict(self, picture: Path, label: str) -> str:
        form = as_form(picture, label)
        verdict = ask_for_200(self.url + "/predict", self.timeout, form.body, form.content_type).json()
        found, probabilities = verdict.get("predicted_label"), verdict.get("probabilities") or {}
        require(found == label, f"{picture.name} is called a {found}, confidence {verdict.get('confidence')}")
        answer, reason = verdict.get("answer"), verdict.get("reason")
        require((answer, reason) == (label, "label"), f"the answer is {answer}, the reason {reason}")
        require(verdict.get("abstained") is False, "it abstained all the same")
        neither = verdict["neither"]  # None where the model has no such score.
        require(neither is None or 0 <= neither <= 1, f"the score for neither is {neither}")
        trust = verdict["confidence"] * (1 - (neither or 0))
        require(math.isclose(verdict["trust"], trust, abs_tol=1e-5), f"the trust is {verdict['trust']}, not {trust}")
        require(set(probabilities) == {"cat", "dog"}, f"the probabilities are {probabilities}")
        require(math.isclose(sum(probabilities.values()), 1, abs_tol=1e-5), f"{probabilities} don't sum up to 1")
        require(verdict.get("confidence") == max(probabilities.values()) == probabilities[label], f"of {probabilities}")
        return f"{picture.name}: {label} {verdict['confidence']:.3f} in {verdict['processing_time_ms']:.1f} ms"

    def broken_picture(self, picture: Path) -> str:
        """The first bytes of a real one."""
        reply = ask(self.url + "/predict", self.timeout, picture.read_bytes()[:200], "application/octet-stream")
        require(400 <= reply.status < 500, f"{reply.status} instead of 4xx: {reply.body[:200]!r}")
        return f"{reply.status}, {reply.json().get('title')}"


class Checks:
    """Runs checks and prints what came of each."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.passed = 0

    def report(self, name: str, good: bool, text: str) -> None:
        print(f"{'pass' if good else 'FAIL'}  {name}: {text}", flush=True)
        self.passed += good
        if not good:
            self.failed.append(name)

    def run(self, name: str, check: Callable[..., str], *arguments: object) -> None:
        try:
            self.report(name, True, check(*arguments))
        except Unreachable as failure:
            self.report(name, False, str(failure))
            raise
        except (CheckFailed, OSError) as failure:
            self.report(name, False, str(failure))
        except (AttributeError, KeyError, TypeError, ValueError) as failure:
            self.report(name, False, f"the reply hasn't the form that openapi.json says ({failure!r})")


def check_service(checks: Checks, options: argparse.Namespace) -> None:
    service = Service(options.url, options.timeout, options.metrics_url)
    try:
        checks.run("ready", service.ready, options.wait)
        checks.run("health", service.health)
        checks.run("metadata", service.metadata)
        checks.run("version", service.version, options.expect_version)
        if options.expect_revision:
            checks.run("revision", service.revision, options.expect_revision)
        if options.expect_model_sha256:
            checks.run("model sha256", service.model_sha256, options.expect_model_sha256)
        checks.run("metrics", service.metrics)
        for label in ("cat", "dog"):
            pictures = sorted((options.pictures / label).glob("*.*"))
            if not pictures:
                checks.report(label, False, f"no picture in {options.pictures / label}; see --pictures")
            for picture in pictures[:1]:
                checks.run(label, service.predict, picture, label)
                checks.run(f"broken {label}", service.broken_picture, picture)
    except Unreachable:
        print("The other checks need a service that answers.", file=sys.stderr)


def check_bindings(checks: Checks, expected_version: str) -> None:
    """The package's own smoke tests, each as one check."""
    try:
        import catdog
        import pytest
    except ImportError as failure:
        checks.report("import", False, f"{failure} (for {sys.executable}); install the wheel and pytest")
        return
    checks.report("import", True, f"catdog {catdog.__version__} from {Path(catdog.__file__).parent}")
    if expected_version:
        found = catdog.__version__
        checks.report("version", found == expected_version, f"catdog {found}, expected {expected_version}")

    class Outcomes:
        ran = 0

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.when == "call" or not report.passed:
                self.ran += report.when == "call"
                reason = "" if report.passed else f"\n{report.longreprtext}"
                name = report.nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
                checks.report(name, report.passed, f"{report.duration:.2f} s{reason}")

        def pytest_collectreport(self, report: pytest.CollectReport) -> None:
            if report.failed:
                checks.report("collecting", False, report.longreprtext)

    outcomes = Outcomes()
    quiet = ["-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:terminal"]
    pytest.main([*quiet, str(BINDINGS_TESTS)], plugins=[outcomes])
    if not outcomes.ran:
        checks.report("tests", False, f"none ran of {BINDINGS_TESTS}")


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="where the API is; default: the environment's SERVICE_URL")
    parser.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="how long it may take to be ready")
    parser.add_argument("--timeout", type=float, default=10, metavar="SECONDS", help="of one request (default 10)")
    parser.add_argument("--expect-revision", metavar="COMMIT", help="that the image must have been built from")
    parser.add_argument("--expect-version", metavar="VERSION", help="that the server must have, as 0.1.0")
    parser.add_argument("--expect-model-sha256", metavar="SHA256", help="that the model file must have")
    parser.add_argument("--metrics-url", default="", metavar="URL", help="where /metrics is, if not on the API's port")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="folder with cat/ and dog/ (examples/images)")
    parser.add_argument(
        "--bindings", action="store_true", help="check `import catdog`; HTTP too only if --url is given"
    )
    options = parser.parse_args(arguments)
    # An unset variable of a deployment must not turn a check off.
    for flag, value in (
        ("--expect-version", options.expect_version),
        ("--expect-revision", options.expect_revision),
        ("--expect-model-sha256", options.expect_model_sha256),
    ):
        if value is not None and not value.strip():
            parser.error(f"{flag} is empty; leave it out if any will do")
    options.expect_version = (options.expect_version or "").strip().removeprefix("v")
    if options.url is None and not options.bindings:
        options.url = os.environ.get("SERVICE_URL", "")
    if options.url is not None:
        if not options.url.strip():
            parser.error("no URL of a service: give --url or set SERVICE_URL")
        urls: list[str] = [options.url, options.metrics_url or options.url]
        for url in urls:
            parts = urllib.parse.urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                parser.error(f"'{url}' is no URL such as http://127.0.0.1:8000")
    if not math.isfinite(options.wait) or options.wait < 0 or not 0 < options.timeout < 3600:
        parser.error("--wait and --timeout are seconds: a number that isn't negative, and one above 0")
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    checks = Checks()
    if options.bindings:
        check_bindings(checks, options.expect_version)
    if options.url is not None:
        check_service(checks, options)
    if checks.failed or not checks.passed:
        print(f"smoke test: FAILED: {', '.join(checks.failed) or 'nothing was checked'}", flush=True)
        return 1
    print(f"smoke test: all {checks.passed} checks hold", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
