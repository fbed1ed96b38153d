# SPDX-License-Identifier: Apache-2.0
"""The real Prometheus on the shipped configuration, the real service under load: every panel and rule finds data."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import CAT, DOG, Server, eventually
from prometheus_server import MONITORING, PrometheusServer

pytest.importorskip("yaml", reason="PyYAML is missing (on Debian: apt-get install python3-yaml)")
if shutil.which("prometheus") is None:
    pytest.skip("prometheus is missing (on Debian: apt-get install prometheus)", allow_module_level=True)

from expressions import metrics_of, rules  # noqa: E402

sys.path.insert(0, str(MONITORING))
from dashboard_queries import DASHBOARDS, Panel, Prometheus, ask, filled_in, load  # noqa: E402

LIMIT = 180


def wait_for(condition: Callable[[], bool]) -> bool:
    return eventually(condition, LIMIT, pause=0.3)


class Load:
    """Pictures with true labels, some of them wrong, broken pictures and deadlines that can't be met, until stopped."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.statuses: set[int] = set()
        self.failure: BaseException | None = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        pictures = [(CAT.read_bytes(), "cat"), (DOG.read_bytes(), "dog")]
        try:
            for turn in itertools.count():
                if self.stopping.wait(0.05):
                    return
                picture, truth = pictures[turn % 2]
                status, answer = self.server.predict(picture)
                assert status == 200, answer
                told = truth if turn % 7 else "cat"
                body = json.dumps({"feedback_token": answer["feedback_token"], "label": told}).encode()
                status, _ = self.server.ask("/feedback", body, {"Content-Type": "application/json"})
                assert status == 204
                bytes_ = {"Content-Type": "application/octet-stream"}
                hurried = {**bytes_, "X-Request-Timeout-Ms": "1"}
                for sent, headers in ((picture[:2000], bytes_), (b"no picture", bytes_), (picture, hurried)):
                    status, _ = self.server.ask("/predict", sent, headers)
                    self.statuses.add(status)
        except BaseException as failure:  # told to the test by stop()
            self.failure = failure

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join()
        if self.failure is not None:
            raise self.failure


class Watched:
    """The service, Prometheus and the load between them."""

    def __init__(self, server: Server, prometheus: PrometheusServer, load: Load) -> None:
        self.server = server
        self.prometheus = prometheus
        self.load = load
        self.queries = Prometheus(prometheus.url)


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with Server("--workers", "2") as server:
        api, metrics = (url.removeprefix("http://") for url in (server.url, server.admin_url))
        with PrometheusServer(api, metrics) as prometheus:
            load = Load(server)
            try:
                yield Watched(server, prometheus, load)
            finally:
                load.stopping.set()
                load.thread.join()


def test_each_query_of_each_panel_returns_data(watched: Watched) -> None:
    dashboards = [load(path) for path in sorted(DASHBOARDS.glob("*.json"))]
    assert len(dashboards) == 2
    empty: list[str] = []

    def complete() -> bool:
        panels = [panel for dashboard in dashboards for panel in ask(watched.queries, dashboard, 5)]
        empty[:] = [f"{panel.title}: {query}" for panel in panels for query in panel.empty]
        return not empty

    assert wait_for(complete), empty
    assert {415, 422, 503} <= watched.load.statuses, "the load caused no refusals: the panels show nothing of them"


def test_each_recording_rule_records(watched: Watched) -> None:
    recorded = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
    empty: list[str] = []

    def complete() -> bool:
        empty[:] = [name for name in recorded if not watched.queries.instant(name)]
        return not empty

    assert wait_for(complete), empty
    for name, expression in recorded.items():
        assert watched.queries.instant(expression), name


def test_prometheus_evaluates_each_rule_without_an_error(watched: Watched) -> None:
    def states() -> list[tuple[str, str, str]]:
        groups = watched.prometheus.api("rules")["groups"]
        return [
            (rule["name"], rule["health"], rule.get("lastError", "")) for group in groups for rule in group["rules"]
        ]

    # A rule that has found nothing yet can't fail.
    recorded = [rule["record"] for rule in rules() if "record" in rule]
    wait_for(lambda: all(watched.queries.instant(name) for name in recorded))
    found = states()
    assert sorted(name for name, _, _ in found) == sorted(rule.get("record") or rule["alert"] for rule in rules())
    assert [state for state in found if state[1:] != ("ok", "")] == []


def test_no_metric_that_is_named_is_missing(watched: Watched) -> None:
    # Feedback and refusals bring metrics that aren't there from the beginning.
    assert wait_for(lambda: b"\nmodel_f1_score{" in watched.server.ask("/metrics")[1])
    assert wait_for(lambda: b"\nerrors_total{" in watched.server.ask("/metrics")[1])
    text = watched.server.ask("/metrics")[1].decode()
    served = {re.split(r"[{ ]", line)[0] for line in text.splitlines() if not line.startswith("#")}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    named: dict[str, str] = {}
    for rule in rules():
        named |= {metric: rule.get("record") or rule["alert"] for metric in metrics_of(rule["expr"])}
    for path in DASHBOARDS.glob("*.json"):
        dashboard = load(path)
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                named |= {metric: panel["title"] for metric in metrics_of(filled_in(target["expr"], dashboard))}
    assert {"process_resident_memory_bytes", "api_requests_total", "job:slo_errors:burn1h"} <= set(named)
    known = served | recorded | {"up"}
    assert {metric: where for metric, where in named.items() if metric not in known} == {}


def test_the_variables_of_the_dashboards_have_values(watched: Watched) -> None:
    expected = {
        "job": ["cats-dogs-metrics"],
        "instance": [watched.server.admin_url.removeprefix("http://")],
    }
    for path in DASHBOARDS.glob("*.json"):
        dashboard = load(path)
        for variable in dashboard["templating"]["list"]:
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
            assert match, variable["definition"]
            query = urllib.parse.urlencode({"match[]": filled_in(match[1], dashboard)})
            path_ = f"label/{match[2]}/values?{query}"
            assert wait_for(lambda: watched.prometheus.api(path_) == expected[variable["name"]])


def test_the_dashboards_are_drawn(watched: Watched, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is missing (on Debian: apt-get install python3-matplotlib)")
    command = [sys.executable, str(MONITORING / "render_dashboards.py"), "--url", watched.prometheus.url]
    command += ["--output", str(tmp_path), "--minutes", "2"]
    results: list[subprocess.CompletedProcess[str]] = []

    def drawn() -> bool:
        results.append(subprocess.run(command, capture_output=True, text=True, timeout=LIMIT))
        return results[-1].returncode == 0

    assert wait_for(drawn), results[-1].stdout + results[-1].stderr
    for name in ("service.png", "model-quality.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_each_panel_drawn_shows_its_data(watched: Watched) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is missing (on Debian: apt-get install python3-matplotlib)")
    import render_dashboards

    for path in sorted(DASHBOARDS.glob("*.json")):
        dashboard = load(path)
        shown: list[list[Panel]] = []

        def answered() -> bool:
            panels = ask(watched.queries, dashboard, 2)
            shown.append(panels)
            return all(
                min((len(s.values) for s in panel.series), default=0) > (panel.kind == "timeseries") for panel in panels
            )

        assert wait_for(answered), [panel.title for panel in shown[-1] if not panel.series]
        figure = render_dashboards.draw(dashboard, shown[-1])
        boxes = [axes for axes in figure.axes if axes.get_title("left")]  # a heatmap's scale has none
        assert [box.get_title("left") for box in boxes] == [panel.title for panel in shown[-1]]
        for panel, box in zip(shown[-1], boxes):
            if panel.kind == "timeseries" and not box.collections:
                # A line of separate points between gaps isn't seen.
                lines = [line for line in box.lines if line.get_label() in {series.legend for series in panel.series}]
                assert len(lines) == len(panel.series), panel.title
                for line in lines:
                    known = [value == value for value in line.get_ydata()]
                    assert any(here and after for here, after in zip(known, known[1:])), panel.title
            else:
                drawn = {"bargauge": box.patches, "stat": box.texts, "table": box.texts}.get(
                    panel.kind, box.collections
                )
                assert len(drawn) >= (1 if panel.kind == "heatmap" else len(panel.series)), panel.title


def test_nothing_is_counted_twice(watched: Watched) -> None:
    """Both ports serve the same figures, and both are scraped."""
    watched.load.stop()

    def value(query: str) -> float:
        found = watched.queries.instant(query)
        return float(found[0]["value"][1]) if found else 0.0

    def verdicts() -> float:
        lines = watched.server.ask("/metrics")[1].decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("predictions_total{"))

    assert verdicts() > 0
    assert wait_for(lambda: value("sum(predictions_total)") == verdicts()), (
        value("sum(predictions_total)"),
        verdicts(),
    )
    assert value('sum(up{job=~"cats-dogs-.*"})') == 2
    assert watched.queries.instant('{job="cats-dogs-api",__name__=~"predictions_total|workers"}') == []


def test_a_dead_service_raises_an_alert(watched: Watched) -> None:
    def alarmed() -> list[str]:
        alerts = watched.prometheus.api("alerts")["alerts"]
        return sorted(alert["labels"]["job"] for alert in alerts if alert["labels"]["alertname"] == "CatdogDown")

    assert wait_for(lambda: bool(watched.queries.instant('up{job="cats-dogs-metrics"} == 1')))
    assert alarmed() == []
    watched.load.stop()
    watched.server.process.kill()
    assert wait_for(lambda: alarmed() == ["cats-dogs-api", "cats-dogs-metrics"]), alarmed()
