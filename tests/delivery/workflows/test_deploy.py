# SPDX-License-Identifier: Apache-2.0
"""scripts/deploy.py with a real Git remote, the real server to ask, and a cluster that does as it is told."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import Fakes
from harness import SOURCE, Server

OLD, NEW, THIRD = ("sha256:" + letter * 64 for letter in "abc")
IMAGE = "ghcr.io/someone/binaryimageclassification"
KUSTOMIZATION = "k8s/production/kustomization.yaml"
VERSION = re.search(r"^project\(catdog VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text(), re.M)[1]


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class World:
    """A remote whose main has three commits, the last of another version; a clone; a cluster."""

    def __init__(self, folder: Path, port: str) -> None:
        self.folder, self.origin, self.clone = folder, folder / "origin.git", folder / "clone"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.origin)], check=True)
        subprocess.run(["git", "clone", "-q", str(self.origin), str(self.clone)], check=True, capture_output=True)
        git(self.clone, "checkout", "-q", "-B", "main")
        (self.clone / "k8s/production").mkdir(parents=True)
        (self.clone / KUSTOMIZATION).write_text((SOURCE / KUSTOMIZATION).read_text())
        self.commits = [self.commit(version) for version in (VERSION, VERSION, "99.0.0")]
        git(self.clone, "push", "-q", "origin", "main")
        self.fakes = Fakes(folder / "fakes", argocd=True, origin=str(self.origin), port=port, image=f"{IMAGE}:none")

    def commit(self, version: str) -> str:
        (self.clone / "CMakeLists.txt").write_text(f"project(catdog VERSION {version} LANGUAGES CXX)\n")
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "--allow-empty", "-m", f"version {version}")
        return git(self.clone, "rev-parse", "HEAD")

    def deploy(self, digest: str, commit: str, *more: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, result and message."""
        output = self.folder / "output"
        output.write_text("")
        command = [
            sys.executable,
            str(SOURCE / "scripts/deploy.py"),
            "--image",
            IMAGE,
            "--digest",
            digest,
            "--commit",
            commit,
        ]
        command += ["--repository", str(self.clone), "--poll", "0.1", "--wait", "60", *more]
        environment = self.fakes.environment(GITHUB_OUTPUT=str(output), **environment)
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        lines = dict(line.partition("=")[::2] for line in output.read_text().splitlines())
        assert set(lines) == {"result", "message"}, done.stdout + done.stderr
        return done.returncode, lines["result"], lines["message"]

    def on_main(self) -> str:
        text = git(self.origin, "show", f"main:{KUSTOMIZATION}")
        return re.search(r"^\s+(?:digest|newTag): (\S+)$", text, re.M)[1]

    def in_cluster(self) -> str:
        return self.fakes.settings["image"]


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    with Server() as server:
        yield server.url.rpartition(":")[2]


@pytest.fixture()
def world(tmp_path: Path, port: str) -> World:
    return World(tmp_path, port)


@pytest.fixture()
def running(world: World) -> World:
    """OLD of the first commit runs."""
    assert world.deploy(OLD, world.commits[0])[:2] == (0, "deployed")
    return world


def test_deploys_with_argocd(world: World) -> None:
    head = git(world.clone, "rev-parse", "HEAD")
    assert world.deploy(OLD, world.commits[0])[:2] == (0, "deployed")
    assert (world.on_main(), world.in_cluster()) == (OLD, f"{IMAGE}@{OLD}")
    calls = world.fakes.calls("kubectl")
    steps = [
        next(index for index, call in enumerate(calls) if step in call)
        for step in ("annotate application", "rollout status", "port-forward")
    ]
    assert steps == sorted(steps)
    assert not any("apply" in call for call in calls)
    # What the clone had checked out is as it was.
    assert (git(world.clone, "rev-parse", "HEAD"), git(world.clone, "status", "--porcelain")) == (head, "")
    assert len(git(world.clone, "worktree", "list").splitlines()) == 1


def test_deploys_without_argocd(world: World) -> None:
    world.fakes.set(argocd=False)
    assert world.deploy(OLD, world.commits[0])[:2] == (0, "deployed")
    assert world.in_cluster() == f"{IMAGE}@{OLD}"


def test_goes_back_when_the_rollout_fails(running: World) -> None:
    running.fakes.set(broken=[NEW])
    code, result, message = running.deploy(NEW, running.commits[1])
    assert (code, result) == (1, "rolled-back")
    assert "timed out" in message and OLD in message
    assert (running.on_main(), running.in_cluster()) == (OLD, f"{IMAGE}@{OLD}")


def test_goes_back_when_the_smoke_test_fails(running: World) -> None:
    """The third commit's version is not what the server says."""
    code, result, message = running.deploy(NEW, running.commits[2])
    assert (code, result) == (1, "rolled-back")
    assert "smoke test" in message
    assert (running.on_main(), running.in_cluster()) == (OLD, f"{IMAGE}@{OLD}")


def test_says_when_going_back_fails_too(running: World) -> None:
    running.fakes.set(broken=[NEW, OLD])
    code, result, message = running.deploy(NEW, running.commits[1])
    assert (code, result) == (1, "rollback-failed")
    assert running.on_main() == OLD


def test_the_first_has_nothing_to_go_back_to(world: World) -> None:
    world.fakes.set(broken=[OLD])
    code, result, message = world.deploy(OLD, world.commits[0])
    assert (code, result) == (1, "failed")
    assert "nothing to go back to" in message


def test_never_backwards_unless_on_purpose(world: World) -> None:
    assert world.deploy(NEW, world.commits[1])[:2] == (0, "deployed")
    assert world.deploy(OLD, world.commits[0])[:2] == (3, "superseded")
    assert (world.on_main(), world.in_cluster()) == (NEW, f"{IMAGE}@{NEW}")
    assert world.deploy(OLD, world.commits[0], "--rollback")[:2] == (0, "deployed")
    assert (world.on_main(), world.in_cluster()) == (OLD, f"{IMAGE}@{OLD}")


def test_changes_nothing_when_the_cluster_cannot_be_reached(running: World) -> None:
    running.fakes.set(unreachable=True)
    code, result, message = running.deploy(NEW, running.commits[1])
    assert (code, result) == (2, "refused")
    assert "refused" in message
    assert running.on_main() == OLD


@pytest.mark.parametrize(
    "status", [{"sync": {"status": "OutOfSync"}}, {"health": {"status": "Degraded"}}, {"summary": {"images": []}}]
)
def test_waits_for_argocd(world: World, status: dict[str, object]) -> None:
    world.fakes.set(argocd_status=status)
    code, result, message = world.deploy(OLD, world.commits[0], "--wait", "1")
    assert (code, result) == (1, "failed")
    assert "ArgoCD: not within 1 s" in message


def test_argocd_that_does_nothing_is_no_success(running: World) -> None:
    running.fakes.set(stuck=True)
    assert running.deploy(NEW, running.commits[1], "--wait", "1")[:2] == (1, "rolled-back")
    assert (running.on_main(), running.in_cluster()) == (OLD, f"{IMAGE}@{OLD}")


def test_the_deployment_itself_must_have_the_image(world: World) -> None:
    world.fakes.set(other_image=f"{IMAGE}@{THIRD}")
    code, result, message = world.deploy(OLD, world.commits[0], "--wait", "1")
    assert (code, result) == (1, "failed")
    assert THIRD in message


def test_the_deployment_may_take_its_time(world: World) -> None:
    world.fakes.set(late=3)
    assert world.deploy(OLD, world.commits[0])[:2] == (0, "deployed")
    assert world.fakes.settings["late"] == 0


def test_tries_again_when_someone_else_pushed(world: World) -> None:
    other = world.folder / "other"
    subprocess.run(["git", "clone", "-q", str(world.origin), str(other)], check=True)
    (other / "README").write_text("x")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "meanwhile")
    hook = world.clone / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f"#!/bin/sh\nunset GIT_DIR GIT_INDEX_FILE\nrm '{hook}'\ngit -C '{other}' push -q origin HEAD:main\n"
    )
    hook.chmod(0o755)
    assert world.deploy(OLD, world.commits[0])[:2] == (0, "deployed")
    assert not hook.exists()
    assert world.on_main() == OLD
    assert "meanwhile" in git(world.origin, "log", "--format=%s", "main")


def test_what_someone_else_deployed_since_is_not_taken_back(running: World) -> None:
    other = running.folder / "other"
    file = f"{other}/{KUSTOMIZATION}"
    set_image = [sys.executable, str(SOURCE / "scripts/set_image.py"), "--file", file, "--digest", THIRD]
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    running.fakes.set(
        broken=[NEW],
        on_rollout=[
            ["git", "clone", "-q", str(running.origin), str(other)],
            [*set_image, "--commit", running.commits[2]],
            ["git", "-C", str(other), *author, "commit", "-qam", "later"],
            ["git", "-C", str(other), "push", "-q", "origin", "HEAD:main"],
        ],
    )
    code, result, message = running.deploy(NEW, running.commits[1])
    assert (code, result) == (1, "failed")
    assert "someone else has deployed since" in message
    assert running.on_main() == THIRD


def test_the_same_once_more_makes_no_commit_but_looks(running: World) -> None:
    count = git(running.origin, "rev-list", "--count", "main")
    before = len(running.fakes.calls("kubectl"))
    assert running.deploy(OLD, running.commits[0])[:2] == (0, "deployed")
    assert git(running.origin, "rev-list", "--count", "main") == count
    assert any("rollout status" in call for call in running.fakes.calls("kubectl")[before:])


def test_asks_the_address_that_is_given(world: World, port: str) -> None:
    world.fakes.set(port="")
    assert world.deploy(OLD, world.commits[0], SERVICE_URL=f"http://127.0.0.1:{port}")[:2] == (0, "deployed")
    assert not any("port-forward" in call for call in world.fakes.calls("kubectl"))


def test_a_port_that_cannot_be_forwarded_is_a_failure(world: World) -> None:
    world.fakes.set(port="")
    code, result, message = world.deploy(OLD, world.commits[0])
    assert (code, result) == (1, "failed")
    assert "pod is not running" in message
