# SPDX-License-Identifier: Apache-2.0
"""The queries of the Grafana dashboards, asked of a Prometheus as Grafana would ask them."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DASHBOARDS = Path(__file__).resolve().parent / "grafana" / "dashboards"
INSTANT = {"stat", "table", "bargauge"}


class PrometheusError(RuntimeError):
    """Prometheus can't be reached, or refused a query."""


@dataclass(frozen=True)
class Series:
    """One line of a panel: its labels, its legend, and what it was at which time."""

    labels: dict[str, str]
    legend: str
    times: list[float]
    values: list[float]


@dataclass
class Panel:
    """A panel as the dashboard has it, and what its queries return."""

    definition: dict[str, Any]
    series: list[Series] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return str(self.definition["title"])

    @property
    def kind(self) -> str:
        return str(self.definition["type"])

    @property
    def unit(self) -> str:
        return str(self.definition.get("fieldConfig", {}).get("defaults", {}).get("unit", self._axis_unit()))

    def _axis_unit(self) -> str:
        return str(self.definition.get("options", {}).get("yAxis", {}).get("unit", "short"))


class Prometheus:
    """The HTTP API of one Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def get(self, path: str, **parameters: str | float) -> Any:
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=60) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as refusal:
            raise PrometheusError(
                f"{parameters.get('query', path)}: {refusal.read().decode(errors='replace')}"
            ) from None
        except OSError as failure:
            raise PrometheusError(f"Prometheus doesn't answer at {self.url}: {failure}") from None

    def instant(self, query: str) -> list[dict[str, Any]]:
        """The samples of a query now. A scalar is a sample without labels."""
        data = self.get("query", query=query)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return list(data["result"])

    def range(self, query: str, minutes: float, now: float, points: int = 240) -> list[dict[str, Any]]:
        step = max(1.0, minutes * 60 / points)
        data = self.get("query_range", query=query, start=now - minutes * 60, end=now, step=step)
        return list(data["result"])


def load(path: Path) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return dashboard


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """All panels but the headings, those of collapsed rows too."""
    found = []
    for panel in dashboard["panels"]:
        found += panel.get("panels", []) if panel["type"] == "row" else [panel]
    return found


def filled_in(expression: str, dashboard: dict[str, Any], rate_interval: str = "1m") -> str:
    """The query with Grafana's variables as they are when everything is selected."""
    for variable in dashboard["templating"]["list"]:
        named = re.compile(r"\$\{?" + variable["name"] + r"\b\}?")
        expression = named.sub(str(variable["allValue"]).replace("\\", r"\\"), expression)
    return expression.replace("$__rate_interval", rate_interval)


def legend(template: str, labels: dict[str, str]) -> str:
    if not template:
        return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "__name__")
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], ""), template)


def ask(prometheus: Prometheus, dashboard: dict[str, Any], minutes: float, rate_interval: str = "1m") -> list[Panel]:
    """What each panel shows; `empty` are the queries that returned nothing."""
    answered = []
    now = time.time()  # the same for all: the lines of a panel share their moments
    for definition in panels(dashboard):
        panel = Panel(definition)
        for target in definition["targets"]:
            query = filled_in(target["expr"], dashboard, rate_interval)
            if panel.kind in INSTANT:
                found: list[dict[str, Any]] = [
                    {**sample, "values": [sample["value"]]} for sample in prometheus.instant(query)
                ]
            else:
                found = prometheus.range(query, minutes, now)
            if not found:
                panel.empty.append(query)
            for sample in found:
                times, values = zip(*sample["values"])
                panel.series.append(
                    Series(
                        sample["metric"],
                        legend(target.get("legendFormat", ""), sample["metric"]),
                        [float(moment) for moment in times],
                        [float(value) for value in values],
                    )
                )
        answered.append(panel)
    return answered
