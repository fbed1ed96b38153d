# SPDX-License-Identifier: Apache-2.0
"""What is applied to a cluster: valid for Kubernetes' own schemas, rolled without loss, no right too many."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from manifests import K8S, NAME, OVERLAYS, build, container, environment, folder, kubectl, of_kind, pod, rendered, yaml

kubectl()
VERSIONS = ("1.36.0", "1.37.0")
# Kinds that others bring: their schema isn't Kubernetes' own. What they must say is in the tests below.
OPERATOR = {"ServiceMonitor", "PrometheusRule", "AlertmanagerConfig"}
OTHERS = {*OPERATOR, "InferenceService", "Application"}
DEPLOYMENTS = ("local", "production", "full")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_fits_the_schemas_of_kubernetes(overlay: str, version: str, tmp_path: Path) -> None:
    pytest.importorskip("kubernetes_validate", reason="missing: scripts/delivery_tests.sh has it")
    file = tmp_path / "all.yaml"
    file.write_text(build(folder(overlay)))
    command = [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", version, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "ERROR" not in output
    passed = re.findall(r"passed for resource (\w+)/", output)
    expected = [m["kind"].lower() for m in rendered(overlay) if m["kind"] not in OTHERS]
    assert sorted(passed) == sorted(expected), output


@pytest.mark.parametrize("overlay", ("local", "production"))
def test_a_plain_cluster_knows_all_kinds(overlay: str) -> None:
    """A kind without a definition fails the whole of an apply or sync."""
    own = re.compile(r"v1|(apps|batch|policy|autoscaling)/v\d+|[a-z]+\.k8s\.io/v\d+")
    assert [m["kind"] for m in rendered(overlay) if not own.fullmatch(m["apiVersion"])] == []


def test_the_operators_own_models_take_its_kinds() -> None:
    """Models made from the operator's definitions. They leave out an unknown field, so nothing may be missing after."""
    reason = "missing: scripts/delivery_tests.sh has it"
    models = {
        version: pytest.importorskip(f"cloudcoil.models.prometheus_operator.{version}", reason=reason)
        for version in ("v1", "v1alpha1")
    }
    found = [m for m in rendered("full") if m["kind"] in OPERATOR]
    assert {m["kind"] for m in found} == OPERATOR
    for manifest in found:
        kind = getattr(models[manifest["apiVersion"].rpartition("/")[2]], manifest["kind"])
        assert kind.model_validate(manifest).model_dump(by_alias=True, exclude_unset=True, mode="json") == manifest


def test_kyverno_lets_in_only_what_ci_signed() -> None:
    reason = "missing: scripts/delivery_tests.sh has it"
    models = pytest.importorskip("cloudcoil.models.kyverno.v1", reason=reason)
    policy = yaml.safe_load((K8S / "policies/signed-images.yaml").read_text())
    made = models.ClusterPolicy.model_validate(policy)
    assert made.model_dump(by_alias=True, exclude_unset=True, mode="json") == policy
    (rule,) = policy["spec"]["rules"]
    assert rule["match"]["any"][0]["resources"]["namespaces"] == [NAME]
    (check,) = rule["verifyImages"]
    assert (check["failureAction"], check["required"], check["verifyDigest"]) == ("Enforce", True, True)
    # The identity that scripts/verify_image.sh asks for before a deployment.
    script = (K8S.parent / "scripts/verify_image.sh").read_text()
    for attestors in (check["attestors"], check["attestations"][0]["attestors"]):
        keyless = attestors[0]["entries"][0]["keyless"]
        assert keyless["issuer"] in script
        assert keyless["subject"].endswith("/.github/workflows/ci.yml@refs/heads/main")


def test_kube_prometheus_stack_selects_what_is_meant_for_it() -> None:
    for manifest in rendered("full"):
        if manifest["kind"] in OPERATOR:
            assert manifest["metadata"]["labels"]["release"] == "kube-prometheus-stack", manifest["kind"]
    dashboards = [m for m in rendered("full") if m["kind"] == "ConfigMap" and "dashboard" in m["metadata"]["name"]]
    assert len(dashboards) == 2
    for manifest in dashboards:
        assert manifest["metadata"]["labels"]["grafana_dashboard"] == "1"
        # `kubectl apply` keeps a copy in an annotation, and 256 KiB are all that annotations may have.
        assert sum(map(len, manifest["data"].values())) < 200_000
    # The name by which the operator finds the namespace's AlertmanagerConfig.
    for group in of_kind("full", "PrometheusRule")["spec"]["groups"]:
        for rule in group["rules"]:
            assert "alert" not in rule or rule["labels"]["namespace"] == NAME


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
    file = tmp_path / "k8s/local/overlay/configmap.yaml"
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
    assert (container("local")["image"], container("local")["imagePullPolicy"]) == ("cats-dogs-api:local", "Never")


def test_locally_plain_files_do_as_well() -> None:
    """`kubectl apply -f k8s/local` reads each file of these endings, and knows no Kustomization."""
    files = [path for path in (K8S / "local").iterdir() if path.suffix in (".yaml", ".yml", ".json")]
    assert [path.name for path in files] == ["all.yaml"]
    made = f"kubectl kustomize k8s/local/overlay > {files[0]}"
    assert list(yaml.safe_load_all(files[0].read_text())) == rendered("local"), f"not current: {made}"


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_an_apply_leaves_the_replicas_alone(overlay: str) -> None:
    assert "replicas" not in of_kind(overlay, "Deployment")["spec"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_private_image_can_be_pulled(overlay: str) -> None:
    holder = pod("kserve") if overlay == "kserve" else of_kind(overlay, "ServiceAccount")
    assert holder["imagePullSecrets"] == [{"name": "ghcr-pull"}]


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_all_pods_have_one_key_for_feedback_and_start_without_it(overlay: str) -> None:
    (entry,) = container(overlay)["env"]
    assert entry["name"] == "CATDOG_FEEDBACK_KEY"
    assert entry["valueFrom"] == {"secretKeyRef": {"name": "cats-dogs-feedback", "key": "key", "optional": True}}


def test_kserve_does_not_ask_knative() -> None:
    """Knative refuses enableServiceLinks and others unless its administrator has switched them on."""
    annotations = of_kind("kserve", "InferenceService")["metadata"]["annotations"]
    assert annotations["serving.kserve.io/deploymentMode"] == "RawDeployment"


def test_cd_may_do_what_deploy_asks_and_no_more() -> None:
    documents = list(yaml.safe_load_all((K8S / "cd-access.yaml").read_text()))
    allowed = {
        (document["metadata"]["namespace"], resource, verb)
        for document in documents
        if document["kind"] == "Role"
        for rule in document["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert {
        (NAME, "deployments", "get"),
        (NAME, "pods", "list"),  # port-forward to a Service looks for its pod
        (NAME, "pods/portforward", "create"),
        ("argocd", "applications", "patch"),
    } <= allowed
    changes = {entry for entry in allowed if entry[2] not in ("get", "list", "watch")}
    assert changes == {(NAME, "pods/portforward", "create"), ("argocd", "applications", "patch")}
    for binding in (document for document in documents if document["kind"] == "RoleBinding"):
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "cats-dogs-cd", "namespace": NAME}]


def test_an_unedited_name_reaches_nobody(tmp_path: Path) -> None:
    """A name that somebody could own is a stranger's repository or image."""
    names = re.compile(r"ghcr\.io/[\w.-]+/|github\.com/(?!kubernetes|prometheus)[\w.-]+/")
    script = [sys.executable, str(K8S.parent / "scripts/set_site.py"), "--root"]
    if subprocess.run([*script, str(K8S.parent), "--check"], capture_output=True, check=False).returncode == 0:
        pytest.skip("this checkout's names are set")
    for folder_ in ("k8s", "monitoring"):
        for path in (K8S.parent / folder_).rglob("*.y*ml"):
            assert not names.search(path.read_text()), path
        shutil.copytree(K8S.parent / folder_, tmp_path / folder_)
    values = ["--repository", "SomeOne/Cats", "--host", "cats.example.com", "--alerts-url", "https://a.example.com/x/"]
    subprocess.run([*script, str(tmp_path), *values], check=True)
    done = subprocess.run([*script, str(tmp_path), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "image: ghcr.io/someone/binaryimageclassification\n" in build(tmp_path / "k8s/production")
    application = yaml.safe_load((tmp_path / "k8s/argocd-application.yaml").read_text())
    assert application["spec"]["source"]["repoURL"] == "https://github.com/SomeOne/Cats.git"
    receivers = (tmp_path / "monitoring/alertmanager/alertmanager.yml").read_text()
    assert "url: https://a.example.com/x/page\n" in receivers


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
    # Without an adapter a metric of pods can't be read, and a pod would never be taken away.
    assert [metric["type"] for metric in scaler["metrics"]] == ["Resource"]
    full = of_kind("full", "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert [metric["type"] for metric in full] == ["Resource", "Pods"]


def test_argocd_follows_what_cd_writes() -> None:
    application = yaml.safe_load((K8S / "argocd-application.yaml").read_text())
    assert (application["apiVersion"], application["kind"]) == ("argoproj.io/v1alpha1", "Application")
    spec = application["spec"]
    # Not main: there a change would be live before CI has seen it.
    script = (K8S.parent / "scripts/deploy.py").read_text()
    assert f'default="{spec["source"]["targetRevision"]}"' in script
    assert f'MANIFESTS, STATE = "{spec["source"]["path"]}/manifests.yaml"' in script
    assert spec["destination"]["namespace"] == of_kind("production", "Namespace")["metadata"]["name"]
    assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert "CreateNamespace=true" in spec["syncPolicy"]["syncOptions"]
    assert spec["syncPolicy"]["retry"]["limit"] > 0
