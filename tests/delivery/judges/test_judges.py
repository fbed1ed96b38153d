# SPDX-License-Identifier: Apache-2.0
"""Programs of others judge what is shipped. Their settings hold each accepted finding with its reason.

actionlint is in tests/delivery/workflows, hadolint in tests/delivery/image.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import SOURCE


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is missing: scripts/delivery_tests.sh judges installs it")
    return subprocess.run([found, *arguments], cwd=SOURCE, capture_output=True, text=True, check=False)


def test_zizmor_finds_nothing_in_the_workflows(tmp_path: Path) -> None:
    done = run("zizmor", "--offline", "--no-progress", ".github")
    assert done.returncode == 0, done.stdout + done.stderr
    bad = tmp_path / ".github/workflows/bad.yml"
    bad.parent.mkdir(parents=True)
    bad.write_text(
        "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
        "      - run: echo ${{ github.event.pull_request.title }}\n"
    )
    assert run("zizmor", "--offline", "--no-progress", str(bad.parent)).returncode != 0


def yaml_files() -> list[str]:
    tracked = ["git", "ls-files", "*.yml", "*.yaml", "k8s/local/Kustomization"]
    found = subprocess.run(tracked, cwd=SOURCE, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(found) > 40
    return found


def test_yamllint_finds_nothing() -> None:
    done = run("yamllint", "--strict", "--format", "parsable", *yaml_files())
    assert done.returncode == 0, done.stdout + done.stderr


def kubectl() -> str:
    own = SOURCE / "build" / "tools" / "kubectl"
    found = str(own) if own.exists() else (shutil.which("kubectl") or "")
    return found or pytest.skip("kubectl is missing: scripts/get_kubectl.sh gets it")


def checkov(*files: Path) -> list[dict[str, Any]]:
    names = [argument for file in files for argument in ("--file", str(file))]
    done = run("checkov", "--config-file", ".checkov.yaml", "--output", "json", "--soft-fail", *names)
    assert done.returncode == 0, done.stdout + done.stderr
    reports = json.loads(done.stdout)
    return reports if isinstance(reports, list) else [reports]


def test_checkov_finds_nothing_in_manifests_workflows_and_the_dockerfile(tmp_path: Path) -> None:
    files = [SOURCE / "service/Dockerfile", *(SOURCE / ".github/workflows").glob("*.yml")]
    for overlay in ("local", "production", "kserve"):
        files.append(tmp_path / f"{overlay}.yaml")
        command = [kubectl(), "kustomize", str(SOURCE / "k8s" / overlay)]
        files[-1].write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    reports = checkov(*files, SOURCE / "k8s/cd-access.yaml")
    assert {report["check_type"] for report in reports} == {"kubernetes", "github_actions", "dockerfile"}
    failed = [check for report in reports for check in report["results"]["failed_checks"]]
    assert [(check["check_id"], check["check_name"], check["resource"]) for check in failed] == []
    assert sum(report["summary"]["passed"] for report in reports) > 300


def test_checkov_would_find_a_privileged_pod(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    command = [kubectl(), "kustomize", str(SOURCE / "k8s/local")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    bad.write_text(text.replace("allowPrivilegeEscalation: false", "privileged: true"))
    (report,) = checkov(bad)
    assert "CKV_K8S_16" in [check["check_id"] for check in report["results"]["failed_checks"]]
