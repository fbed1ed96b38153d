# SPDX-License-Identifier: Apache-2.0
"""What kubectl's kustomize makes of k8s/."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import SOURCE

yaml = pytest.importorskip("yaml", reason="PyYAML is missing: scripts/delivery_tests.sh installs it")

K8S = SOURCE / "k8s"
COMPONENTS = sorted(path.parent.name for path in K8S.glob("components/*/kustomization.yaml"))
# "full" is production with every component, as somebody with all of their operators would have it.
OVERLAYS = ("local", "production", "full", "kserve")
NAME = "cats-dogs-classifier"
Manifest = dict[str, Any]


@functools.cache
def kubectl() -> str:
    own = SOURCE / "build" / "tools" / "kubectl"
    found = str(own) if own.exists() else (shutil.which("kubectl") or "")
    if not found:
        pytest.skip("kubectl is missing: scripts/get_kubectl.sh gets it", allow_module_level=True)
    return found


def build(folder: Path) -> str:
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def folder(overlay: str) -> Path:
    if overlay != "full":
        return K8S / overlay
    made = SOURCE / "build" / "k8s-full"
    made.mkdir(parents=True, exist_ok=True)
    components = [f"../../k8s/components/{name}" for name in COMPONENTS]
    text = yaml.safe_dump(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": NAME,
            "resources": ["../../k8s/production"],
            "components": components,
        }
    )
    (made / "kustomization.yaml").write_text(text)
    return made


@functools.cache
def rendered(overlay: str) -> list[Manifest]:
    return list(yaml.safe_load_all(build(folder(overlay))))


def of_kind(overlay: str, kind: str) -> Manifest:
    found = [manifest for manifest in rendered(overlay) if manifest["kind"] == kind]
    assert len(found) == 1, f"{len(found)} of kind {kind} in {overlay}"
    return found[0]


def pod(overlay: str) -> Manifest:
    """The pod's specification."""
    if overlay == "kserve":
        return dict(of_kind(overlay, "InferenceService")["spec"]["predictor"])
    return dict(of_kind(overlay, "Deployment")["spec"]["template"]["spec"])


def container(overlay: str) -> Manifest:
    containers = pod(overlay)["containers"]
    assert len(containers) == 1
    return dict(containers[0])


def environment(overlay: str) -> dict[str, str]:
    """What the server gets to see: the ConfigMap that the container names, and its own variables."""
    names = [source["configMapRef"]["name"] for source in container(overlay).get("envFrom", [])]
    values: dict[str, str] = {}
    for name in names:
        maps = {m["metadata"]["name"]: m["data"] for m in rendered(overlay) if m["kind"] == "ConfigMap"}
        assert name in maps, f"the container reads {name}; there are {sorted(maps)}"
        values.update(maps[name])
    values.update({entry["name"]: entry["value"] for entry in container(overlay).get("env", []) if "value" in entry})
    return values
