# SPDX-License-Identifier: Apache-2.0
"""k8s/components/prometheus-operator as the operator would use it: scraped, evaluated, and a person told."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from alerting import PROGRAM, Alertmanager, Receiver
from harness import CAT, SOURCE, Server, eventually
from operator_scrape import scrape_configs
from prometheus_server import MONITORING, PrometheusServer

yaml = pytest.importorskip("yaml", reason="PyYAML is missing (on Debian: apt-get install python3-yaml)")
for program in ("prometheus", PROGRAM):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing (on Debian: apt-get install {program})", allow_module_level=True)

sys.path.insert(0, str(MONITORING))
from dashboard_queries import Prometheus  # noqa: E402

LIMIT = 300
NAME = "cats-dogs-classifier"
COMPONENT = SOURCE / "k8s/components/prometheus-operator"
MONITOR = yaml.safe_load((COMPONENT / "servicemonitor.yaml").read_text())


def groups() -> list[dict[str, Any]]:
    """The rules that the cluster gets, without the minutes that an alert must hold."""
    found: list[dict[str, Any]] = yaml.safe_load((COMPONENT / "prometheusrule.yaml").read_text())["spec"]["groups"]
    for group in found:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = "1s"
    return found


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(receiver: Receiver) -> Iterator[PrometheusServer]:
    """Every second request fails, as in an outage."""
    with Server("--workers", "1") as server:
        addresses = {"http": server.url, "metrics": server.admin_url}
        targets = {name: url.removeprefix("http://") for name, url in addresses.items()}
        configs = scrape_configs(MONITOR, NAME, NAME, targets)
        with Alertmanager(receiver.url) as alertmanager, PrometheusServer(
            scrape_configs=configs, groups=groups(), alertmanager=alertmanager.address
        ) as running:
            stopping = threading.Event()
            others: set[tuple[int, int]] = set()

            def ask() -> None:
                image, plain = CAT.read_bytes(), {"Content-Type": "application/octet-stream"}
                while not stopping.wait(0.02):
                    good = server.ask("/predict", image, plain)[0]
                    late = server.ask("/predict", image, {**plain, "X-Request-Timeout-Ms": "1"})[0]
                    if (good, late) != (200, 503):
                        others.add((good, late))

            asking = threading.Thread(target=ask)
            asking.start()
            try:
                yield running
            finally:
                stopping.set()
                asking.join()
            assert others == set()


def test_an_outage_burns_the_budget(prometheus: PrometheusServer) -> None:
    queries = Prometheus(prometheus.url)
    assert eventually(lambda: queries.instant("job:slo_errors:burn5m > 14.4"), LIMIT, pause=0.3)


def test_no_label_of_a_metric_is_pushed_aside(prometheus: PrometheusServer) -> None:
    """Prometheus keeps a metric's own label as exported_NAME where the target has one of that name."""
    queries = Prometheus(prometheus.url)
    assert eventually(lambda: queries.instant('api_requests_total{status="503"}'), LIMIT, pause=0.3)
    assert [name for name in prometheus.api("labels") if name.startswith("exported_")] == []


def test_an_outage_pages_somebody(prometheus: PrometheusServer, receiver: Receiver) -> None:
    assert eventually(lambda: "CatdogErrorBudgetBurnsFast" in receiver.names("/page"), LIMIT, pause=0.3), receiver.told
    told = {alert["labels"]["alertname"]: alert for alert in receiver.told["/page"]}
    alert = told["CatdogErrorBudgetBurnsFast"]
    # By the namespace the operator finds the AlertmanagerConfig.
    assert alert["labels"]["namespace"] == NAME
    assert alert["annotations"]["runbook_url"].startswith("https://")


def test_the_heartbeat_arrives_and_disturbs_nobody(prometheus: PrometheusServer, receiver: Receiver) -> None:
    assert eventually(lambda: "CatdogWatchdog" in receiver.names("/heartbeat"), LIMIT, pause=0.3), receiver.told
    assert "CatdogWatchdog" not in receiver.names("/page") | receiver.names("/ticket")
    assert receiver.names("/heartbeat") == {"CatdogWatchdog"}


def test_both_ports_are_watched_and_counted_once(prometheus: PrometheusServer) -> None:
    queries = Prometheus(prometheus.url)
    jobs = ["cats-dogs-api", "cats-dogs-metrics"]

    def up() -> list[str]:
        return sorted(series["metric"]["job"] for series in queries.instant("up == 1"))

    assert eventually(lambda: up() == jobs, LIMIT, pause=0.3), up()
    # As in monitoring/prometheus.yml.
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    assert set(jobs) <= {job["job_name"] for job in config["scrape_configs"]}
    assert queries.instant('{job="cats-dogs-api",__name__=~"api_requests_total|workers"}') == []
