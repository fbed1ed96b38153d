# SPDX-License-Identifier: Apache-2.0
"""The manifests against the server itself: its --help, its OpenAPI document, its metrics."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from harness import SOURCE, Server
from manifests import K8S, OVERLAYS, container, environment, kubectl, of_kind, pod, yaml

kubectl()
DEPLOYMENTS = ("local", "production", "full")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """Default by environment variable, as --help tells them."""
    text = subprocess.run([os.environ["CATDOG_SERVER"], "--help"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^ +--[a-z-]+ [^\n=]*(?:=(\S+) )?\(Env:([A-Z_]+)\)", text, re.M)
    assert len(found) > 20, text
    return {name: default for default, name in found}


@pytest.fixture(scope="module")
def openapi(server: Server) -> dict[str, Any]:
    status, body = server.ask("/openapi.json")
    assert status == 200
    return dict(json.loads(body))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_variable_is_a_setting(overlay: str, settings: dict[str, str]) -> None:
    assert environment(overlay)
    assert environment(overlay).keys() <= settings.keys()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_server_takes_the_settings(overlay: str) -> None:
    """Each value is within its limits: a server with them gets as far as the model, which isn't there."""
    values = {**environment(overlay), "MODEL_PATH": "/nowhere/best_model.pt"}
    command = [os.environ["CATDOG_SERVER"], "--port", "0", "--admin-port", "0"]
    done = subprocess.run(command, env=values, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3, done.stderr


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_ports(overlay: str, settings: dict[str, str]) -> None:
    ports = {port["name"]: str(port["containerPort"]) for port in container(overlay)["ports"]}
    assert ports == {"http": settings["CATDOG_LISTEN_PORT"], "metrics": settings["CATDOG_ADMIN_LISTEN_PORT"]}
    targets = {port["targetPort"] for port in of_kind(overlay, "Service")["spec"]["ports"]}
    assert targets == ports.keys()
    annotations = of_kind(overlay, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == ports["metrics"]
    for rule in of_kind(overlay, "NetworkPolicy")["spec"]["ingress"]:
        assert rule["ports"][0]["port"] in ports


@pytest.mark.parametrize("overlay", [*DEPLOYMENTS, "kserve"])
def test_the_worst_case_fits_the_memory_of_the_pod(overlay: str, settings: dict[str, str]) -> None:
    """The arithmetic of docs/kubernetes.md."""
    mib = 1 << 20
    value = {**settings, **environment(overlay)}
    limits = container(overlay)["resources"]["limits"]
    memory = int(limits["memory"].removesuffix("Mi")) * mib
    workers = int(limits["cpu"])
    connections = int(value["CATDOG_MAX_CONNECTIONS"]) * (int(value["CATDOG_MAX_HEADER_BYTES"]) + 64 * 1024)
    accounts = int(value["CATDOG_MAX_DECODE_BYTES"]) + int(value["CATDOG_MAX_QUEUE_BYTES"])
    worst = 120 * mib + 16 * mib * workers + accounts + connections
    assert worst <= memory
    if overlay == "production":
        page = (SOURCE / "docs" / "kubernetes.md").read_text()
        assert f"| **sum** | **{worst // mib}** |" in page


def test_kserve_reaches_the_api(settings: dict[str, str], openapi: dict[str, Any]) -> None:
    (port,) = container("kserve")["ports"]
    assert str(port["containerPort"]) == settings["CATDOG_LISTEN_PORT"]
    for probe in ("readinessProbe", "livenessProbe"):
        request = container("kserve")[probe]["httpGet"]
        assert str(request["port"]) == settings["CATDOG_LISTEN_PORT"]
        assert "get" in openapi["paths"][request["path"]]


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_probes_ask_what_the_server_answers(overlay: str, server: Server, openapi: dict[str, Any]) -> None:
    probes = {name: container(overlay)[name + "Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    paths = {name: probe["path"] for name, probe in probes.items()}
    assert paths == {"startup": "/health/startup", "readiness": "/health/ready", "liveness": "/health/live"}
    own = server.url
    try:
        for probe in probes.values():
            assert "get" in openapi["paths"][probe["path"]]
            server.url = {"metrics": server.admin_url, "http": own}[probe["port"]]
            assert server.ask(probe["path"])[0] == 200
    finally:
        server.url = own


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_grace_period_outlasts_the_drain(overlay: str, settings: dict[str, str]) -> None:
    values = environment(overlay)
    limit = int(values.get("CATDOG_DRAIN_LIMIT_MS", settings["CATDOG_DRAIN_LIMIT_MS"]))
    grace = int(values.get("CATDOG_GRACE_MS", settings["CATDOG_GRACE_MS"]))
    # Seconds between: the signal is late on a busy node.
    assert 1000 * pod(overlay)["terminationGracePeriodSeconds"] >= limit + 3000
    assert limit >= grace + 3000 and grace >= 1000


def test_metrics_that_are_scaled_by_exist(server: Server) -> None:
    status, text = server.ask("/metrics")
    assert status == 200
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text.decode(), re.M))
    metrics = of_kind("full", "HorizontalPodAutoscaler")["spec"]["metrics"]
    (name,) = [metric["pods"]["metric"]["name"] for metric in metrics if metric["type"] == "Pods"]
    assert kinds[name] == "gauge"
    values = (K8S / "components/custom-metrics/prometheus-adapter-values.yaml").read_text()
    (rule,) = yaml.safe_load(values)["rules"]["custom"]
    assert rule["name"]["as"] == name and rule["seriesQuery"].startswith(name + "{")


def test_the_monitor_scrapes_the_metrics(server: Server) -> None:
    monitor = of_kind("full", "ServiceMonitor")["spec"]
    service = of_kind("production", "Service")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    ports = [port["name"] for port in service["spec"]["ports"]]
    assert sorted(endpoint["port"] for endpoint in monitor["endpoints"]) == sorted(ports)
    for endpoint in monitor["endpoints"]:
        assert server.ask(endpoint["path"])[0] == 200


def test_the_ingress_routes_the_api_and_neither_metrics_nor_administration(openapi: dict[str, Any]) -> None:
    (rule,) = of_kind("full", "Ingress")["spec"]["rules"]

    def routed(path: str) -> bool:
        for entry in rule["http"]["paths"]:
            below = path.startswith(entry["path"].rstrip("/") + "/") and entry["pathType"] == "Prefix"
            if path == entry["path"] or below:
                return True
        return False

    assert {path for path in openapi["paths"] if not routed(path)} == {"/metrics", "/admin/reload"}


def test_the_ingress_lets_through_what_the_server_takes(settings: dict[str, str]) -> None:
    size = of_kind("full", "Ingress")["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert int(size.removesuffix("m")) << 20 == int(settings["CATDOG_MAX_BODY_BYTES"])


def test_the_autoscaler_acts_before_the_objective_is_missed() -> None:
    rules = (SOURCE / "monitoring/rules/slo.yml").read_text()
    (objective,) = set(re.findall(r'le="([\d.]+)"', rules))
    metrics = of_kind("full", "HorizontalPodAutoscaler")["spec"]["metrics"]
    (target,) = [metric["pods"]["target"]["averageValue"] for metric in metrics if metric["type"] == "Pods"]
    assert int(target.removesuffix("m")) <= 1000 * float(objective) / 4


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_image_has_that_user_and_model(overlay: str) -> None:
    dockerfile = (SOURCE / "service" / "Dockerfile").read_text()
    users = re.findall(r"^USER (\S+)$", dockerfile, re.M)
    assert users and users[-1].split(":")[0] == str(pod(overlay)["securityContext"]["runAsUser"])
    assert environment(overlay)["MODEL_PATH"] in dockerfile
