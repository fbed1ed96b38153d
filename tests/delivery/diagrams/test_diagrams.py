# SPDX-License-Identifier: Apache-2.0
"""The diagrams of docs/ are drawn by a browser, and what they and the tables name is there."""

from __future__ import annotations

import html
import re
import shutil
import subprocess

import pytest
from harness import SOURCE

PAGE = SOURCE / "docs/architecture.md"
MERMAID = SOURCE / "build/tools/mermaid.min.js"
OUTPUT = SOURCE / "build/diagrams"
DIAGRAMS = re.findall(r"^```mermaid\n(.*?)^```", PAGE.read_text(), re.M | re.S)


def drawn(diagrams: list[str], name: str) -> str:
    """The page after a browser has run it; a picture of it is in build/diagrams."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is missing (on Debian: apt-get install chromium)")
    if not MERMAID.exists():
        pytest.skip("mermaid is missing: scripts/get_mermaid.sh gets it")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    blocks = "".join(f'<pre class="mermaid">{html.escape(diagram, quote=False)}</pre>' for diagram in diagrams)
    page = OUTPUT / f"{name}.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><body>{blocks}<script src="{MERMAID.as_uri()}"></script>'
        "<script>mermaid.initialize({startOnLoad: false});"
        "mermaid.run().catch(failure => document.body.dataset.failure = failure.message)"
        ".finally(() => document.body.dataset.done = 'yes')</script>"
    )
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += ["--virtual-time-budget=60000", f"--user-data-dir={OUTPUT / 'profile'}"]
    done = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=540)
    picture = [f"--screenshot={OUTPUT / name}.png", "--window-size=1600,3600"]
    subprocess.run([*command, *picture, page.as_uri()], capture_output=True, timeout=540, check=True)
    assert 'data-done="yes"' in done.stdout, done.stderr[-2000:]
    return done.stdout


def test_each_diagram_is_drawn() -> None:
    assert len(DIAGRAMS) == 4
    page = drawn(DIAGRAMS, "architecture")
    assert "data-failure" not in page and "Syntax error" not in page
    assert len(re.findall(r"<svg [^>]*aria-roledescription=", page)) == len(DIAGRAMS)


def test_a_diagram_that_is_wrong_is_noticed() -> None:
    page = drawn(["flowchart LR\n  a --> \n  subgraph"], "wrong")
    assert "data-failure" in page or "Syntax error" in page


def test_each_file_that_is_named_is_there() -> None:
    named = re.findall(r"`([\w.-]*/?[\w./-]+)`", PAGE.read_text())
    files = [name for name in named if "/" in name or name.endswith((".yaml", ".yml"))]
    assert len(files) >= 20
    assert [name for name in files if not (SOURCE / name).exists()] == []
    in_diagrams = set(re.findall(r"\b(?:scripts|models)/[\w./]+", "".join(DIAGRAMS)))
    in_diagrams |= {f".github/workflows/{name}" for name in re.findall(r": (\w+\.yml)\]", "".join(DIAGRAMS))}
    assert len(in_diagrams) >= 6
    assert [name for name in in_diagrams if not (SOURCE / name).exists()] == []


def everything(*folders: str) -> str:
    files = [path for folder in folders for path in (SOURCE / folder).rglob("*.y*ml")]
    return "\n".join(path.read_text() for path in files)


def test_ports_names_jobs_and_the_branch_are_the_real_ones() -> None:
    text = "".join(DIAGRAMS)
    manifests, workflows = everything("k8s"), everything(".github/workflows")
    for port in re.findall(r"ports (\d+) and (\d+)", text)[0]:
        assert f"containerPort: {port}\n" in manifests
    for namespace in re.findall(r"[Nn]amespace ([\w-]+)", text):
        assert f"namespace: {namespace}\n" in manifests or f"kubernetes.io/metadata.name: {namespace}\n" in manifests
    for container in re.findall(r"Container ([\w-]+)", text):
        assert f"- name: {container}\n" in manifests
    for job in re.findall(r"Job (\w+):", text):
        assert re.search(rf"^  {job}:$", workflows, re.M), job
    for branch in set(re.findall(r"deploy/production", text)):
        assert f"targetRevision: {branch}\n" in manifests
    for trigger in ("workflow_run", "workflow_dispatch", "schedule"):
        assert re.search(rf"^  {trigger}:", workflows, re.M)


def test_each_secret_is_used_where_the_table_says_and_none_is_missing() -> None:
    table = PAGE.read_text().partition("## Secrets")[2]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| [^|]* \| ([^|]*) \|$", table, re.M))
    in_workflows = set(re.findall(r"secrets\.(\w+)", everything(".github/workflows")))
    assert {name for name in rows if name.isupper()} == in_workflows
    for name, users in rows.items():
        for file in re.findall(r"`([^`]+)`", users):
            assert re.search(rf"\b{name}\b", (SOURCE / file).read_text()), f"{file} doesn't use {name}"
