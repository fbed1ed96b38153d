#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brings an image into production and says truly what came of it.

Writes its digest into k8s/production on the branch that ArgoCD follows (scripts/set_image.py: never backwards), waits
until the cluster runs exactly that image (where there is no ArgoCD, applies it itself), and runs the smoke test against
SERVICE_URL or a port that kubectl forwards. If that fails, the image from before is brought back in the same way. Needs
git, and kubectl with access to the cluster.

results and exit codes; also result=… and message=… in $GITHUB_OUTPUT:
  deployed         0  the cluster runs the image, and it works
  failed           1  it doesn't; the message says what is there now
  rolled-back      1  it didn't work; the one from before runs again, and works
  rollback-failed  1  it didn't work, nor did going back: somebody has to look
  refused          2  nothing was changed: wrong arguments, or no access to Git or the cluster
  superseded       3  nothing was changed: an image of a later commit is there
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "scripts"
KUSTOMIZATION = Path("k8s/production/kustomization.yaml")
NAME = "cats-dogs-classifier"
CONTAINER = "cats-dogs-api"
BACKWARDS = 3
CODES = {"deployed": 0, "failed": 1, "rolled-back": 1, "rollback-failed": 1, "refused": 2, "superseded": 3}


class Failure(Exception):
    """A step didn't succeed; the text says which and why."""


class Superseded(Exception):
    """A later commit's image is there."""


class Release(NamedTuple):
    image: str
    digest: str
    commit: str

    @property
    def reference(self) -> str:
        return f"{self.image}@{self.digest}"


def say(text: str) -> None:
    print(f"== {text}", flush=True)


def run(
    command: list[str], *, accept: tuple[int, ...] = (0,), timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Failure(f"{' '.join(command[:3])}: {failure}") from None
    if done.returncode not in accept:
        raise Failure(f"{' '.join(command[:6])}: {done.stderr.strip() or done.stdout.strip() or done.returncode}")
    return done


def git(*arguments: str, folder: Path = ROOT) -> str:
    return run(["git", "-C", str(folder), *arguments]).stdout.strip()


class Deployment:
    def __init__(self, settings: argparse.Namespace) -> None:
        self.repository: Path = settings.repository.resolve()
        self.remote: str = settings.remote
        self.branch: str = settings.branch
        self.limit: float = settings.wait
        self.poll: float = settings.poll
        self.url = os.environ.get("SERVICE_URL", "")

    # What Git says.

    @contextmanager
    def worktree(self) -> Iterator[Path]:
        """A checkout of the branch as it is now, beside whatever is in the repository's own."""
        git("fetch", "--quiet", self.remote, self.branch, folder=self.repository)
        with tempfile.TemporaryDirectory(prefix="catdog-deploy-") as folder:
            tree = Path(folder) / "tree"
            git("worktree", "add", "--quiet", "--detach", str(tree), "FETCH_HEAD", folder=self.repository)
            try:
                yield tree
            finally:
                git("worktree", "remove", "--force", str(tree), folder=self.repository)

    @staticmethod
    def recorded(tree: Path) -> Release | None:
        """What the branch has; None before the first deployment."""
        text = (tree / KUSTOMIZATION).read_text()
        found = [
            re.search(expression, text, re.M)
            for expression in (
                r"^\s+newName: (\S+)$",
                r"^\s+digest: (\S+)$",
                r'^\s+org\.opencontainers\.image\.revision: "([0-9a-f]{40})"$',
            )
        ]
        if not all(found):
            return None
        image, digest, commit = (match[1] for match in found if match)
        return Release(image, digest, commit)

    def record(self, release: Release, *, backwards: bool, instead_of: Release | None = None) -> Release | None:
        """Writes the release into the branch and returns what was there. Tries again when someone else was faster."""
        for _ in range(5):
            with self.worktree() as tree:
                before = self.recorded(tree)
                if instead_of is not None and before != instead_of:
                    raise Superseded("someone else has deployed since")
                arguments = ["--digest", release.digest, "--commit", release.commit, "--repository", release.image]
                if backwards:
                    arguments.append("--rollback")
                set_image = [sys.executable, str(SCRIPTS / "set_image.py"), "--file", str(tree / KUSTOMIZATION)]
                done = run([*set_image, *arguments], accept=(0, BACKWARDS))
                if done.returncode == BACKWARDS:
                    raise Superseded(done.stderr.strip())
                if not git("status", "--porcelain", folder=tree):
                    return before
                author = ["-c", "user.name=github-actions[bot]"]
                author += ["-c", "user.email=41898282+github-actions[bot]@users.noreply.github.com"]
                message = f"{'Go back to' if instead_of else 'Deploy'} {release.commit[:12]}\n\n{release.reference}"
                git(*author, "commit", "--quiet", "--message", message, "--", str(KUSTOMIZATION), folder=tree)
                push = ["git", "-C", str(tree), "push", "--quiet", self.remote, f"HEAD:refs/heads/{self.branch}"]
                pushed = run(push, accept=(0, 1))
                if pushed.returncode == 0:
                    say(f"{self.branch} has {release.reference}")
                    return before
                reason = pushed.stderr.strip()
        raise Failure(f"git push to {self.branch} was refused five times: {reason}")

    # What the cluster does.

    @staticmethod
    def kubectl(*arguments: str, timeout: float = 120) -> str:
        return run(["kubectl", *arguments], timeout=timeout).stdout.strip()

    def has_argocd(self) -> bool:
        try:
            return bool(self.kubectl("-n", "argocd", "get", "application", NAME, "--ignore-not-found", "-o", "name"))
        except Failure as failure:
            if "have a resource type" in str(failure):
                return False
            raise

    def wait_until(self, what: str, holds: Callable[[], str | None], end: float) -> None:
        """Asks until `holds` says None; what it says otherwise is why not."""
        while True:
            try:
                why = holds()
            except Failure as failure:
                why = str(failure)
            if why is None:
                return
            if time.monotonic() >= end:
                raise Failure(f"{what}: not within {self.limit:g} s: {why}")
            time.sleep(self.poll)

    def argocd_lacks(self, release: Release) -> str | None:
        status = json.loads(self.kubectl("-n", "argocd", "get", "application", NAME, "-o", "json")).get("status", {})
        sync = status.get("sync", {}).get("status", "unknown")
        health = status.get("health", {}).get("status", "unknown")
        if (
            sync == "Synced"
            and health == "Healthy"
            and release.reference in status.get("summary", {}).get("images", [])
        ):
            return None
        return f"ArgoCD says {sync}, {health}, images {status.get('summary', {}).get('images', [])}"

    def deployment_lacks(self, release: Release) -> str | None:
        path = f'{{.spec.template.spec.containers[?(@.name=="{CONTAINER}")].image}}'
        image = self.kubectl("-n", NAME, "get", "deployment", NAME, "-o", f"jsonpath={path}")
        return None if image == release.reference else f"the deployment has the image {image or 'of nobody'}"

    def roll_out(self, release: Release) -> None:
        end = time.monotonic() + self.limit
        if self.has_argocd():
            refresh = "argocd.argoproj.io/refresh=normal"
            self.kubectl("-n", "argocd", "annotate", "application", NAME, refresh, "--overwrite")
            self.wait_until("ArgoCD", lambda: self.argocd_lacks(release), end)
        else:
            with self.worktree() as tree:
                self.kubectl("apply", "-k", str(tree / KUSTOMIZATION.parent))
        self.wait_until("the deployment", lambda: self.deployment_lacks(release), end)
        left = max(1, int(end - time.monotonic()))
        status = ["-n", NAME, "rollout", "status", f"deployment/{NAME}", f"--timeout={left}s"]
        self.kubectl(*status, timeout=left + 30)
        # Nobody has changed it meanwhile.
        lacks = self.deployment_lacks(release)
        if lacks is not None:
            raise Failure(lacks)
        say(f"the cluster runs {release.reference}")

    @contextmanager
    def service(self) -> Iterator[str]:
        """Where the service answers: SERVICE_URL, or a port of this machine that kubectl forwards."""
        if self.url:
            yield self.url
            return
        with tempfile.TemporaryFile("w+") as errors:
            command = ["kubectl", "-n", NAME, "port-forward", "--address", "127.0.0.1", f"service/{NAME}", ":8000"]
            forward = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
            try:
                assert forward.stdout is not None
                # Ends with kubectl's own failure, too.
                match = re.search(r"Forwarding from (127\.0\.0\.1:\d+)", forward.stdout.readline())
                if match is None:
                    forward.kill()
                    errors.seek(0)
                    raise Failure(f"kubectl port-forward: {errors.read().strip()}")
                yield f"http://{match[1]}"
            finally:
                forward.kill()
                forward.communicate()

    def smoke(self, release: Release) -> None:
        text = git("show", f"{release.commit}:CMakeLists.txt", folder=self.repository)
        version = re.search(r"^project\(catdog VERSION ([0-9.]+)", text, re.M)
        if version is None:
            raise Failure(f"no version in CMakeLists.txt of {release.commit}")
        with self.service() as url:
            command = [sys.executable, str(SCRIPTS / "smoke_test.py"), "--url", url, "--wait", "60"]
            done = run([*command, "--expect-version", version[1]], accept=tuple(range(256)), timeout=300)
            print(done.stdout, done.stderr, sep="", end="", flush=True)
            if done.returncode != 0:
                failed = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
                raise Failure(f"smoke test of {url}: {failed[-1] if failed else 'no output'}")

    # All of it.

    def deploy(self, release: Release, *, backwards: bool) -> tuple[str, str]:
        """The result and a line about it."""
        try:
            self.kubectl("-n", NAME, "get", "deployment", NAME, "--ignore-not-found", "-o", "name")
            before = self.record(release, backwards=backwards)
        except Superseded as reason:
            return "superseded", str(reason)
        except Failure as failure:
            return "refused", str(failure)
        try:
            self.roll_out(release)
            self.smoke(release)
            return "deployed", f"{release.reference} of {release.commit} runs and works"
        except Failure as failure:
            say(f"failed: {failure}")
            return self.go_back(release, before, str(failure))

    def go_back(self, release: Release, before: Release | None, why: str) -> tuple[str, str]:
        if before is None or before == release:
            return "failed", f"{why}; there is nothing to go back to, {release.digest} is what the branch has"
        try:
            self.record(before, backwards=True, instead_of=release)
            self.roll_out(before)
            self.smoke(before)
        except Superseded as reason:
            return "failed", f"{why}; not taken back: {reason}"
        except Failure as failure:
            return "rollback-failed", f"{why}; going back to {before.reference}: {failure}"
        return "rolled-back", f"{why}; {before.reference} of {before.commit} runs again"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True, help="ghcr.io/owner/name")
    parser.add_argument("--digest", required=True, help="sha256:…")
    parser.add_argument("--commit", required=True, help="that it was built from")
    parser.add_argument("--rollback", action="store_true", help="go to an older commit on purpose")
    parser.add_argument(
        "--repository", type=Path, default=ROOT, help="clone to work in (its own checkout stays as it is)"
    )
    parser.add_argument("--remote", default="origin")
    parser.add_argument("--branch", default="main")
    parser.add_argument("--wait", type=float, default=900, metavar="SECONDS", help="for the cluster (900)")
    parser.add_argument("--poll", type=float, default=5, metavar="SECONDS", help="between two questions (5)")
    settings = parser.parse_args()
    release = Release(settings.image, settings.digest, settings.commit)
    result, message = Deployment(settings).deploy(release, backwards=settings.rollback)
    message = " ".join(message.split())
    say(f"{result}: {message}")
    if os.environ.get("GITHUB_OUTPUT"):
        with open(os.environ["GITHUB_OUTPUT"], "a") as output:
            output.write(f"result={result}\nmessage={message}\n")
    return CODES[result]


if __name__ == "__main__":
    sys.exit(main())
