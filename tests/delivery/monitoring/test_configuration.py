# SPDX-License-Identifier: Apache-2.0
"""What Prometheus' own tool says of the configuration, and what it doesn't know: runbook, complete cases, the model."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from harness import MODEL, SOURCE
from prometheus_server import MONITORING

yaml = pytest.importorskip("yaml", reason="PyYAML is missing (on Debian: apt-get install python3-yaml)")

from expressions import metrics_of, rules  # noqa: E402

ALERTS = [rule for rule in rules() if "alert" in rule]
NAMES = [alert["alert"] for alert in ALERTS]
CASES = sorted((MONITORING / "rules" / "tests").glob("*.yml"))


def promtool(*arguments: object) -> str:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is missing (on Debian: apt-get install prometheus)")
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_configuration_is_valid() -> None:
    found = promtool("check", "config", "--lint=all", "--lint-fatal", MONITORING / "prometheus.yml")
    files = len(list((MONITORING / "rules").glob("*.yml")))
    assert f"{files} rule files found" in found


def test_alertmanager_takes_its_configuration_and_has_a_receiver_for_each_severity() -> None:
    path = MONITORING / "alertmanager" / "alertmanager.yml"
    if shutil.which("amtool") is None:
        pytest.skip("amtool is missing (on Debian: apt-get install prometheus-alertmanager)")

    def amtool(*arguments: str) -> str:
        done = subprocess.run(["amtool", *arguments], capture_output=True, text=True, timeout=540)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "3 receivers" in amtool("check-config", str(path))
    for severity in {alert["labels"]["severity"] for alert in ALERTS}:
        assert amtool("config", "routes", "test", f"--config.file={path}", f"severity={severity}").strip() == severity


def test_the_cluster_gets_the_same_rules() -> None:
    command = [sys.executable, str(MONITORING / "render_prometheusrule.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_cluster_routes_alerts_alike() -> None:
    """The operator writes the same names in another case, and receivers' addresses as secrets."""

    def plain(route: dict) -> dict:
        snake = {re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), key): value for key, value in route.items()}
        found = snake.get("matchers", [])
        snake["matchers"] = [m if isinstance(m, str) else f'{m["name"]}="{m["value"]}"' for m in found]
        return snake | {"routes": [plain(child) for child in snake.get("routes", [])]}

    here = yaml.safe_load((MONITORING / "alertmanager" / "alertmanager.yml").read_text())
    file = SOURCE / "k8s" / "components" / "prometheus-operator" / "alertmanagerconfig.yaml"
    there = yaml.safe_load(file.read_text())["spec"]
    assert plain(there["route"]) == plain(here["route"])
    assert [receiver["name"] for receiver in there["receivers"]] == [receiver["name"] for receiver in here["receivers"]]
    assert len(there["inhibitRules"]) == len(here["inhibit_rules"])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_alerts_fire_when_they_must(path: object) -> None:
    assert "SUCCESS" in promtool("test", "rules", path)


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_has_a_case_that_fires_and_one_that_must_not(name: str) -> None:
    expected = []
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            expected += [bool(test["exp_alerts"]) for test in case["alert_rule_test"] if test["alertname"] == name]
    assert set(expected) == ({True} if name == "CatdogWatchdog" else {True, False})


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_each_alert_says_what_to_do(alert: dict) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket", "heartbeat")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert anchor == alert["alert"].lower()
    # A link in a message has no page that it could be relative to.
    found = re.fullmatch(r"https://[\w.-]+/[\w.-]+/[\w.-]+/blob/main/(.+)", page)
    assert found, page
    assert anchor in anchors((SOURCE / found[1]).read_text())


def test_the_runbook_names_no_alert_that_is_gone() -> None:
    headings = set(re.findall(r"^## (Catdog\w+)$", (SOURCE / "docs" / "runbook.md").read_text(), re.MULTILINE))
    assert headings == set(NAMES)


def test_all_that_alerts_measure_against_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    named = {name for rule in rules() for name in metrics_of(rule["expr"]) if ":" in name}
    assert named and named <= recorded


def test_what_is_expected_belongs_to_the_shipped_model() -> None:
    checksum = MODEL.with_name("best_model.pt.sha256").read_text().split()[0]
    text = (MONITORING / "rules" / "expected.yml").read_text()
    assert f"# model: {checksum}\n" in text, "the model is another: measure again with monitoring/expected.py"


def test_the_buckets_expected_are_those_of_the_service() -> None:
    source = (SOURCE / "service" / "src" / "metrics.cpp").read_text()
    buckets = re.search(r"confidence_buckets\{([^}]*)\}", source)
    assert buckets is not None
    limits = [float(limit) for limit in buckets[1].split(",") if float(limit) not in (0.5, 1)]
    expected = [rule for rule in rules() if rule.get("record") == "catdog:expected_confidence:share"]
    assert [float(rule["labels"]["le"]) for rule in expected] == limits
    assert re.search(r"seconds_buckets\{[^}]*\b0\.25\b[^}]*\}", source), "the SLO of 250 ms needs a bucket"
