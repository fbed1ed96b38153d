# SPDX-License-Identifier: Apache-2.0
"""expected.py: from verdicts to the rules that drift is measured against."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from harness import CAT, DOG, MODEL
from prometheus_server import MONITORING

yaml = pytest.importorskip("yaml", reason="PyYAML is missing (on Debian: apt-get install python3-yaml)")


def expected(verdicts: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(MONITORING / "expected.py"), "--model", str(MODEL)]
    return subprocess.run(command, input=verdicts, capture_output=True, text=True, timeout=60)


def values(text: str) -> dict[tuple[str, ...], float]:
    rules = yaml.safe_load(text)["groups"][0]["rules"]
    return {(rule["record"], *rule.get("labels", {}).values()): float(rule["expr"][7:-1]) for rule in rules}


def verdict(path: str, label: str, confidence: float) -> str:
    probabilities = {"cat": 0.0, "dog": 0.0}
    return json.dumps(
        {"path": path, "status": "ok", "label": label, "confidence": confidence, "probabilities": probabilities}
    )


def test_shares_and_accuracy() -> None:
    lines = [
        verdict("d/cat/1.jpg", "cat", 0.99),
        verdict("d/cat/2.jpg", "dog", 0.6),
        verdict("d/dog/1.jpg", "dog", 0.97),
        verdict("d/dog/2.jpg", "dog", 0.71),
        json.dumps({"path": "d/dog/broken.jpg", "status": "corrupt"}),
    ]
    done = expected("\n".join(lines))
    assert done.returncode == 0, done.stderr
    found = values(done.stdout)
    assert found[("catdog:expected_accuracy",)] == 0.75
    assert found[("catdog:expected_label:share", "cat")] == 0.25
    assert found[("catdog:expected_label:share", "dog")] == 0.75
    shares = {
        limit: found[("catdog:expected_confidence:share", limit)] for limit in ("0.55", "0.6", "0.75", "0.95", "0.99")
    }
    assert shares == {"0.55": 0, "0.6": 0.25, "0.75": 0.5, "0.95": 0.5, "0.99": 1}


def test_the_command_writes_what_it_reads() -> None:
    command = [os.environ["CATDOG_COMMAND"], "classify", "--json", "--model", str(MODEL), str(CAT), str(DOG)]
    done = expected(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert done.returncode == 0, done.stderr
    assert values(done.stdout)[("catdog:expected_accuracy",)] == 1


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [("", "no verdicts"), (verdict("d/horse/1.jpg", "dog", 0.9), "['horse'] are no labels of this model")],
)
def test_what_can_not_be_measured_is_refused(verdicts: str, reason: str) -> None:
    done = expected(verdicts)
    assert (done.returncode, done.stdout) == (1, "")
    assert reason in done.stderr
