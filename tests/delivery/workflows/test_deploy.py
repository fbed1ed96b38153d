# SPDX-License-Identifier: Apache-2.0
"""scripts/deploy.py with a real Git remote, the real server to ask, and a cluster that does as it is told."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import Fakes
from harness import SOURCE, Server

OLD, NEW, THIRD = ("sha256:" + letter * 64 for letter in "abc")
IMAGE = "ghcr.io/someone/binaryimageclassification"
BRANCH, MANIFESTS = "deploy/production", "production/manifests.yaml"
KUBECTL = SOURCE / "build/tools/kubectl"
REAL = str(KUBECTL) if KUBECTL.exists() else shutil.which("kubectl")
if REAL is None:
    pytest.skip("kubectl is missing: scripts/get_kubectl.sh gets it", allow_module_level=True)
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
        for name in ("k8s", "monitoring"):
            shutil.copytree(SOURCE / name, self.clone / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.commits = [self.commit(version) for version in (VERSION, VERSION, "99.0.0")]
        git(self.clone, "push", "-q", "origin", "main")
        self.fakes = Fakes(
            folder / "fakes", argocd=True, origin=str(self.origin), port=port, image=f"{IMAGE}:none", kubectl=REAL
        )

    def commit(self, version: str) -> str:
        (self.clone / "CMakeLists.txt").write_text(f"project(catdog VERSION {version} LANGUAGES CXX)\n")
        # Another source each time: else there is nothing to roll out.
        source = self.clone / "lib/x.cpp"
        source.parent.mkdir(exist_ok=True)
        source.write_text((source.read_text() if source.exists() else "") + "\n")
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
        """The digest that ArgoCD finds."""
        digest = json.loads(git(self.origin, "show", f"{BRANCH}:release.json"))["digest"]
        assert f"image: {IMAGE}@{digest}\n" in self.manifests()
        return digest

    def manifests(self) -> str:
        return git(self.origin, "show", f"{BRANCH}:{MANIFESTS}")

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
    "status",
    [
        {"sync": {"status": "OutOfSync"}},
        {"sync": {"status": "Synced", "revision": "0" * 40}},
        {"health": {"status": "Degraded"}},
        {"summary": {"images": []}},
    ],
)
def test_waits_for_argocd(world: World, status: dict[str, object]) -> None:
    world.fakes.set(argocd_status=status)
    code, result, message = world.deploy(OLD, world.commits[0], "--wait", "1")
    assert (code, result) == (1, "failed")
    assert "ArgoCD: not within 1 s" in message


def test_argocd_that_does_nothing_is_no_success(running: World) -> None:
    running.fakes.set(stuck=True)
    # Nor is it known to follow the way back.
    assert running.deploy(NEW, running.commits[1], "--wait", "1")[:2] == (1, "rollback-failed")
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


def someone_else(world: World, digest: str, commit: str) -> list[list[str]]:
    """Commands that write another release into the branch."""
    other = world.folder / "other"
    state = json.dumps({"image": IMAGE, "digest": digest, "commit": commit})
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    write = f"open({str(other / 'release.json')!r}, 'w').write({state!r})"
    sed = ["sed", "-i", f"s/sha256:[0-9a-f]*/{digest}/", str(other / MANIFESTS)]
    return [
        ["rm", "-rf", str(other)],
        ["git", "clone", "-q", "-b", BRANCH, str(world.origin), str(other)],
        [sys.executable, "-c", write],
        sed,
        ["git", "-C", str(other), *author, "commit", "-qam", "meanwhile"],
        ["git", "-C", str(other), "push", "-q", "origin", f"HEAD:{BRANCH}"],
    ]


def test_tries_again_when_someone_else_pushed(running: World) -> None:
    hook = running.clone / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    commands = [shlex.join(command) for command in someone_else(running, THIRD, running.commits[0])]
    hook.write_text("\n".join(["#!/bin/sh", "unset GIT_DIR GIT_INDEX_FILE", f"rm '{hook}'", *commands]))
    hook.chmod(0o755)
    assert running.deploy(NEW, running.commits[1])[:2] == (0, "deployed")
    assert not hook.exists()
    assert running.on_main() == NEW
    assert "meanwhile" in git(running.origin, "log", "--format=%s", BRANCH)


def test_what_someone_else_deployed_since_is_not_taken_back(running: World) -> None:
    running.fakes.set(broken=[NEW], on_rollout=someone_else(running, THIRD, running.commits[2]))
    code, result, message = running.deploy(NEW, running.commits[1])
    assert (code, result) == (1, "failed")
    assert "someone else has deployed since" in message
    assert running.on_main() == THIRD


def test_main_is_left_alone_and_no_run_is_started(running: World) -> None:
    """What CD writes is no commit of main: it would be built, and could be overtaken by another push."""
    assert git(running.origin, "rev-parse", "main") == running.commits[2]
    assert "[skip ci]" in git(running.origin, "log", "-1", "--format=%s", BRANCH)


def test_a_change_of_the_manifests_waits_for_its_deployment(running: World) -> None:
    file = running.clone / "k8s/production/horizontalpodautoscaler.yaml"
    file.write_text(file.read_text().replace("maxReplicas: 10", "maxReplicas: 11"))
    commit = running.commit(VERSION)
    git(running.clone, "push", "-q", "origin", "HEAD:main")
    assert "maxReplicas: 10" in running.manifests()
    assert running.deploy(NEW, commit)[:2] == (0, "deployed")
    assert "maxReplicas: 11" in running.manifests()
    # Going back brings the manifests back, too.
    file.write_text(file.read_text().replace("maxReplicas: 11", "maxReplicas: 12"))
    broken = running.commit("99.0.0")
    assert running.deploy(THIRD, broken)[:2] == (1, "rolled-back")
    assert "maxReplicas: 11" in running.manifests() and running.on_main() == NEW


def test_a_commit_that_changes_nothing_that_runs_rolls_nothing_out(running: World) -> None:
    (running.clone / "README.md").write_text("x")
    git(running.clone, "add", "-A")
    git(running.clone, "commit", "-q", "-m", "docs: x")
    git(running.clone, "checkout", "-q", "-B", "other", running.commits[0])
    (running.clone / "README.md").write_text("y")
    git(running.clone, "add", "-A")
    git(running.clone, "commit", "-q", "-m", "docs: y")
    before = git(running.origin, "rev-parse", BRANCH)
    assert running.deploy(NEW, git(running.clone, "rev-parse", "HEAD"))[:2] == (0, "unchanged")
    assert git(running.origin, "rev-parse", BRANCH) == before and running.in_cluster() == f"{IMAGE}@{OLD}"


def test_no_stranger_is_named_in_what_is_deployed(world: World) -> None:
    assert world.deploy(OLD, world.commits[0], GITHUB_REPOSITORY="SomeOne/Cats")[:2] == (0, "deployed")
    assert ".invalid" not in world.manifests()


@pytest.mark.parametrize(
    ("image", "digest", "commit"),
    [
        (IMAGE, "sha256:abc", "a" * 40),
        (IMAGE, NEW + "\nnewTag: x", "a" * 40),
        (IMAGE, NEW, "main"),
        ("ghcr.io/Owner/x", NEW, "a" * 40),
    ],
)
def test_bad_arguments(image: str, digest: str, commit: str) -> None:
    command = [sys.executable, str(SOURCE / "scripts/deploy.py"), "--image", image, "--digest", digest]
    done = subprocess.run([*command, "--commit", commit], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and " is no " in done.stderr


def test_the_same_once_more_makes_no_commit_but_looks(running: World) -> None:
    count = git(running.origin, "rev-list", "--count", BRANCH)
    before = len(running.fakes.calls("kubectl"))
    assert running.deploy(OLD, running.commits[0])[:2] == (0, "deployed")
    assert git(running.origin, "rev-list", "--count", BRANCH) == count
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
