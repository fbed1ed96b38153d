# SPDX-License-Identifier: Apache-2.0
"""The dashboards and their provisioning, as Grafana 10 and 11 read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_server import MONITORING

yaml = pytest.importorskip("yaml", reason="PyYAML is missing (on Debian: apt-get install python3-yaml)")

GRAFANA = MONITORING / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
# Of Grafana's list of units, those used here.
UNITS = {"short", "none", "percentunit", "s", "bytes", "Bps", "reqps", "cps"}
KINDS = {"timeseries", "stat", "heatmap", "bargauge", "table"}
DATASOURCE = {"type": "prometheus", "uid": "prometheus"}


def read(path: Path) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(path.read_text())
    return dashboard


def panels(path: Path) -> list[dict[str, Any]]:
    return [panel for panel in read(path)["panels"] if panel["type"] != "row"]


def test_the_provisioned_data_source_is_the_one_that_panels_ask() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "datasource.yml").read_text())["datasources"]
    assert [(source["type"], source["uid"], source["isDefault"]) for source in sources] == [
        ("prometheus", "prometheus", True)
    ]
    scrape = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["global"]["scrape_interval"]
    # Grafana's $__rate_interval is four times that.
    assert sources[0]["jsonData"]["timeInterval"] == scrape


def test_the_provider_and_the_dashboards_are_distinct() -> None:
    providers = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "dashboards.yml").read_text())["providers"]
    assert [provider["type"] for provider in providers] == ["file"]
    assert [path.name for path in FILES] == ["model-quality.json", "service.json"]
    assert len({read(path)["uid"] for path in FILES}) == len({read(path)["title"] for path in FILES}) == 2
    for path in FILES:
        linked = {link["url"].removeprefix("/d/") for link in read(path)["links"]}
        assert linked == {read(other)["uid"] for other in FILES if other != path}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_panels_have_an_identity_and_a_place(path: Path) -> None:
    dashboard = read(path)
    # 39 is what Grafana 10.4 and 11 write; older ones migrate, newer ones are refused by neither.
    assert dashboard["schemaVersion"] == 39
    assert "id" not in dashboard, "the number of one Grafana's database"
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] and place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} covers another panel"
        taken |= cells
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_panels_say_what_they_show(path: Path) -> None:
    for panel in panels(path):
        title = panel["title"]
        assert title and panel["type"] in KINDS, title
        assert panel["datasource"] == DATASOURCE, title
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "heatmap":
            assert panel["options"]["yAxis"]["unit"] in UNITS, title
        else:
            assert defaults["unit"] in UNITS, title
            assert defaults["thresholds"]["steps"][0]["value"] is None, title
        assert [target["refId"] for target in panel["targets"]] == [chr(65 + i) for i in range(len(panel["targets"]))]
        for target in panel["targets"]:
            assert target["datasource"] == DATASOURCE, title
            assert target["legendFormat"] or panel["type"] in ("stat", "table"), f"{title}: a line without a legend"


def data_sources(node: Any) -> list[dict[str, str]]:
    """All that a dashboard names, wherever."""
    if isinstance(node, list):
        return [source for item in node for source in data_sources(item)]
    if not isinstance(node, dict):
        return []
    own = [node["datasource"]] if "datasource" in node else []
    return own + [source for item in node.values() for source in data_sources(item)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_other_data_source_is_asked(path: Path) -> None:
    found = data_sources(read(path))
    assert len(found) > 10
    built_in = {"type": "grafana", "uid": "-- Grafana --"}
    assert [source for source in found if source not in (DATASOURCE, built_in)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_queries_use_the_variables_that_there_are(path: Path) -> None:
    dashboard = read(path)
    defined = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert set(defined) == {"job", "instance"}
    for variable in defined.values():
        assert (variable["type"], variable["datasource"], variable["refresh"]) == ("query", DATASOURCE, 2)
        assert variable["multi"] and variable["includeAll"]
    queries = [target["expr"] for panel in panels(path) for target in panel["targets"]]
    used = set()
    for query in queries + [variable["definition"] for variable in defined.values()]:
        # A variable of several values is a regular expression: only =~ takes it.
        assert not re.search(r'[^~]"\$(job|instance)', query), query
        used |= set(re.findall(r"\$(\w+)", query))
    assert used == {"job", "instance", "__rate_interval"}
