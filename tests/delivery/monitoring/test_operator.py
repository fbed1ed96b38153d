# SPDX-License-Identifier: Apache-2.0
"""The shipped ServiceMonitor, scraped as the Prometheus operator would: the rules must find the same labels."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator

import pytest
from harness import CAT, SOURCE, Server, eventually
from operator_scrape import scrape_configs
from prometheus_server import MONITORING, PrometheusServer

yaml = pytest.importorskip("yaml", reason="PyYAML is missing (on Debian: apt-get install python3-yaml)")
if shutil.which("prometheus") is None:
    pytest.skip("prometheus is missing (on Debian: apt-get install prometheus)", allow_module_level=True)

sys.path.insert(0, str(MONITORING))
from dashboard_queries import Prometheus  # noqa: E402

LIMIT = 120
NAME = "cats-dogs-classifier"
MONITOR = yaml.safe_load((SOURCE / "k8s/production/servicemonitor.yaml").read_text())


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    """Every second request fails, as in an outage."""
    with Server("--workers", "1") as server:
        addresses = {"http": server.url, "metrics": server.admin_url}
        targets = {name: url.removeprefix("http://") for name, url in addresses.items()}
        with PrometheusServer(scrape_configs=scrape_configs(MONITOR, NAME, NAME, targets)) as running:
            stopping = threading.Event()

            def ask() -> None:
                picture, plain = CAT.read_bytes(), {"Content-Type": "application/octet-stream"}
                while not stopping.wait(0.02):
                    assert server.ask("/predict", picture, plain)[0] == 200
                    assert server.ask("/predict", picture, {**plain, "X-Request-Timeout-Ms": "1"})[0] == 503

            asking = threading.Thread(target=ask)
            asking.start()
            try:
                yield running
            finally:
                stopping.set()
                asking.join()


def test_an_outage_burns_the_budget(prometheus: PrometheusServer) -> None:
    queries = Prometheus(prometheus.url)
    assert eventually(lambda: queries.instant("job:slo_errors:burn5m > 14.4"), LIMIT, pause=0.3)


def test_no_label_of_a_metric_is_pushed_aside(prometheus: PrometheusServer) -> None:
    """Prometheus keeps a metric's own label as exported_NAME where the target has one of that name."""
    queries = Prometheus(prometheus.url)
    assert eventually(lambda: queries.instant('api_requests_total{status="503"}'), LIMIT, pause=0.3)
    assert [name for name in prometheus.api("labels") if name.startswith("exported_")] == []
