# SPDX-License-Identifier: Apache-2.0
"""What is applied to a cluster: valid for Kubernetes' own schemas, rolled without loss, no right too many."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from manifests import K8S, NAME, OVERLAYS, build, container, environment, kubectl, of_kind, pod, rendered, yaml

kubectl()
VERSIONS = ("1.36.0", "1.37.0")
# Kinds that others bring: their schema isn't Kubernetes' own. What they must say is in the tests below.
OTHERS = {"ServiceMonitor", "InferenceService", "Application"}
DEPLOYMENTS = ("local", "production")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_fits_the_schemas_of_kubernetes(overlay: str, version: str, tmp_path: Path) -> None:
    pytest.importorskip("kubernetes_validate", reason="missing: scripts/delivery_tests.sh has it")
    file = tmp_path / "all.yaml"
    file.write_text(build(K8S / overlay))
    command = [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", version, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "ERROR" not in output
    passed = re.findall(r"passed for resource (\w+)/", output)
    expected = [m["kind"].lower() for m in rendered(overlay) if m["kind"] not in OTHERS]
    assert sorted(passed) == sorted(expected), output


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_in_one_namespace(overlay: str) -> None:
    assert of_kind(overlay, "Namespace")["metadata"]["name"] == NAME
    for manifest in rendered(overlay):
        if manifest["kind"] != "Namespace":
            assert manifest["metadata"]["namespace"] == NAME, manifest["kind"]


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_an_update_loses_no_pod_that_serves(overlay: str) -> None:
    deployment = of_kind(overlay, "Deployment")
    assert deployment["metadata"]["name"] == NAME
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert container(overlay)["name"] == "cats-dogs-api"
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container(overlay).keys()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_has_no_right_that_it_does_not_need(overlay: str) -> None:
    spec = pod(overlay)
    assert spec["automountServiceAccountToken"] is False
    # A Service's variables, such as CATDOG_PORT of one called catdog, are no settings.
    assert spec["enableServiceLinks"] is False
    security = spec["securityContext"]
    assert security["runAsNonRoot"] is True and security["runAsUser"] == security["runAsGroup"] == 10001
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(overlay)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert of_kind(overlay, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_cpu_limit_is_whole(overlay: str) -> None:
    """A worker for each whole CPU: half a CPU more would only be throttled."""
    limits = container(overlay)["resources"]["limits"]
    assert re.fullmatch("[1-9][0-9]*", limits["cpu"])
    assert {"cpu", "memory"} <= container(overlay)["resources"]["requests"].keys()


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_selectors_find_the_pods(overlay: str) -> None:
    deployment = of_kind(overlay, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = {
        "Deployment": deployment["spec"]["selector"]["matchLabels"],
        "Service": of_kind(overlay, "Service")["spec"]["selector"],
        "NetworkPolicy": of_kind(overlay, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        "PodDisruptionBudget": of_kind(overlay, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        "spread": pod(overlay)["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    }
    for kind, selector in selectors.items():
        assert selector and selector.items() <= labels.items(), kind
    account = of_kind(overlay, "ServiceAccount")
    assert pod(overlay)["serviceAccountName"] == account["metadata"]["name"]
    assert account["automountServiceAccountToken"] is False


def test_another_setting_rolls_the_pods(tmp_path: Path) -> None:
    shutil.copytree(K8S, tmp_path / "k8s")
    file = tmp_path / "k8s/local/configmap.yaml"
    file.write_text(file.read_text().replace("LOG_LEVEL: debug", "LOG_LEVEL: warning"))
    changed = [m for m in yaml.safe_load_all(build(tmp_path / "k8s/local")) if m["kind"] == "Deployment"][0]
    before = of_kind("local", "Deployment")
    assert environment("local")["LOG_LEVEL"] == "debug"
    assert changed["spec"]["template"] != before["spec"]["template"]


def test_locally_it_is_on_port_30080_of_the_node() -> None:
    spec = of_kind("local", "Service")["spec"]
    assert spec["type"] == "NodePort"
    ports = {port["name"]: port for port in spec["ports"]}
    assert (ports["http"]["port"], ports["http"]["nodePort"]) == (8000, 30080)
    assert "nodePort" not in ports["metrics"]
    assert container("local")["image"] == "ghcr.io/owner/binaryimageclassification:local"


def test_metrics_are_for_prometheus_alone() -> None:
    policy = of_kind("production", "NetworkPolicy")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"} and policy.get("egress", []) == []
    sources = {rule["ports"][0]["port"]: rule.get("from") for rule in policy["ingress"]}
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    assert sources == {"http": None, "metrics": [monitoring]}


def test_the_autoscaler_has_the_deployment() -> None:
    scaler = of_kind("production", "HorizontalPodAutoscaler")["spec"]
    deployment = of_kind("production", "Deployment")
    assert scaler["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert scaler["minReplicas"] >= 2
    assert {metric["type"] for metric in scaler["metrics"]} == {"Resource", "Pods"}


def test_argocd_follows_production() -> None:
    application = yaml.safe_load((K8S / "argocd-application.yaml").read_text())
    assert (application["apiVersion"], application["kind"]) == ("argoproj.io/v1alpha1", "Application")
    spec = application["spec"]
    assert (K8S.parent / spec["source"]["path"] / "kustomization.yaml").exists()
    assert spec["destination"]["namespace"] == of_kind("production", "Namespace")["metadata"]["name"]
    assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert "CreateNamespace=true" in spec["syncPolicy"]["syncOptions"]
    assert spec["syncPolicy"]["retry"]["limit"] > 0
    # The autoscaler's replicas are left alone, also while syncing.
    assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]
    ignored = spec["ignoreDifferences"]
    assert [(rule["kind"], rule["name"], rule["jsonPointers"]) for rule in ignored] == [
        ("Deployment", NAME, ["/spec/replicas"])
    ]
