#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brings an image into production and says truly what came of it.

Renders k8s/production of the image's commit with the image's digest and writes the result into the branch that ArgoCD
follows (never backwards). Nobody else writes that branch, so a change of k8s/ is live only after CI. Then it waits
until the cluster runs exactly that (where there is no ArgoCD, it applies it itself), and runs the smoke test against
SERVICE_URL or a port that kubectl forwards. If that fails, it brings back the manifests and the image from before.
Needs git, and kubectl with access to the cluster.

results and exit codes; also result=… and message=… in $GITHUB_OUTPUT:
  deployed         0  the cluster runs the image, and it works
  unchanged        0  nothing was changed: neither the image's sources nor the manifests differ from what runs
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
MANIFESTS, STATE = "production/manifests.yaml", "release.json"
# All that gets into an image: .dockerignore and this list say the same, which tests/delivery/image checks.
IMAGE_SOURCES = (
    ".dockerignore CMakeLists.txt LICENSE NOTICE capi cmake docs/CMakeLists.txt docs/Doxyfile.in examples/images"
    " include lib models/best_model.pt models/simple_cnn.pt scripts/common.sh scripts/licences.sh scripts/setup.sh"
    " service"
).split()
NAME = "cats-dogs-classifier"
CONTAINER = "cats-dogs-api"
CODES = {
    "deployed": 0,
    "unchanged": 0,
    "failed": 1,
    "rolled-back": 1,
    "rollback-failed": 1,
    "refused": 2,
    "superseded": 3,
}


class Failure(Exception):
    """A step didn't succeed; the text says which and why."""


class Superseded(Exception):
    """A later commit's image is there."""


class Unchanged(Exception):
    """There is nothing to deploy."""


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
    command: list[str], *, accept: tuple[int, ...] = (0,), timeout: float = 120, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Failure(f"{' '.join(command[:3])}: {failure}") from None
    if done.returncode not in accept:
        raise Failure(f"{' '.join(command[:6])}: {done.stderr.strip() or done.stdout.strip() or done.returncode}")
    return done


def git(*arguments: str, folder: Path = ROOT, text: str | None = None) -> str:
    return run(["git", "-C", str(folder), *arguments], text=text).stdout.strip()


class Deployment:
    def __init__(self, settings: argparse.Namespace) -> None:
        self.repository: Path = settings.repository.resolve()
        self.remote: str = settings.remote
        self.branch: str = settings.branch
        self.limit: float = settings.wait
        self.poll: float = settings.poll
        self.url = os.environ.get("SERVICE_URL", "")
        self.site = os.environ.get("GITHUB_REPOSITORY", "")
        self.revision = ""  # of the branch, as this run has written it

    # What Git says.

    def git(self, *arguments: str, text: str | None = None) -> str:
        return git(*arguments, folder=self.repository, text=text)

    def fetch(self) -> str | None:
        """The branch's commit as it is now; None before the first deployment."""
        reference = f"refs/heads/{self.branch}"
        if not self.git("ls-remote", self.remote, reference):
            return None
        self.git("fetch", "--quiet", self.remote, reference)
        return self.git("rev-parse", "FETCH_HEAD")

    def release_at(self, revision: str) -> Release:
        found = json.loads(self.git("show", f"{revision}:{STATE}"))
        return Release(found["image"], found["digest"], found["commit"])

    def render(self, release: Release, commit: str) -> str:
        """k8s/production of that commit, with the release's image."""
        with tempfile.TemporaryDirectory(prefix="catdog-deploy-") as folder:
            archive = Path(folder) / "tree.tar"
            self.git("archive", f"--output={archive}", commit, "k8s", "monitoring")
            run(["tar", "-xf", str(archive), "-C", folder])
            if self.site:
                set_site = [sys.executable, str(SCRIPTS / "set_site.py"), "--root", folder, "--repository", self.site]
                run(set_site)
            production = Path(folder) / "k8s/production"
            name = run(["kubectl", "kustomize", str(production)]).stdout
            images = set(re.findall(r"image: (\S+/binaryimageclassification)\b", name))
            if len(images) != 1:
                raise Failure(f"k8s/production of {commit} has {len(images)} images of the service; there must be one")
            overlay = Path(folder) / "k8s/deploy"
            overlay.mkdir()
            kustomization = {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": ["../production"],
                "images": [{"name": images.pop(), "newName": release.image, "digest": release.digest}],
                "commonAnnotations": {"org.opencontainers.image.revision": release.commit},
            }
            # JSON is YAML.
            (overlay / "kustomization.yaml").write_text(json.dumps(kustomization))
            return run(["kubectl", "kustomize", str(overlay)]).stdout

    def differs(self, before: str, there: Release, release: Release) -> bool:
        """Whether there is anything to roll out. Each image names its commit, so a new digest alone says nothing."""
        if there.commit == release.commit:
            return there != release
        sources = ["diff", "--quiet", there.commit, release.commit, "--", *IMAGE_SOURCES]
        if run(["git", "-C", str(self.repository), *sources], accept=(0, 1)).returncode == 1:
            return True
        return self.render(there, release.commit).strip() != self.git("show", f"{before}:{MANIFESTS}")

    def is_ancestor(self, older: str, newer: str) -> bool:
        command = ["git", "-C", str(self.repository), "merge-base", "--is-ancestor", older, newer]
        return run(command, accept=(0, 1)).returncode == 0

    def commit(self, tree: str, parent: str | None, subject: str, release: Release) -> str:
        author = ["-c", "user.name=github-actions[bot]"]
        author += ["-c", "user.email=41898282+github-actions[bot]@users.noreply.github.com"]
        # [skip ci]: there is nothing to build in that branch.
        message = f"{subject} {release.commit[:12]} [skip ci]\n\n{release.reference}"
        return self.git(*author, "commit-tree", tree, *(["-p", parent] if parent else []), "-m", message)

    def tree(self, release: Release) -> str:
        """A tree with the manifests, and beside them, where ArgoCD doesn't look, what they are."""
        manifests = self.git("hash-object", "-w", "--stdin", text=self.render(release, release.commit))
        state = self.git("hash-object", "-w", "--stdin", text=json.dumps(release._asdict(), indent=2) + "\n")
        folder, name = MANIFESTS.split("/")
        inner = self.git("mktree", text=f"100644 blob {manifests}\t{name}\n")
        return self.git("mktree", text=f"040000 tree {inner}\t{folder}\n100644 blob {state}\t{STATE}\n")

    def push(self, commit: str) -> str | None:
        """None, or why the remote didn't take it."""
        push = ["push", "--quiet", self.remote, f"{commit}:refs/heads/{self.branch}"]
        done = run(["git", "-C", str(self.repository), *push], accept=(0, 1))
        return None if done.returncode == 0 else done.stderr.strip()

    def record(self, release: Release, *, backwards: bool) -> str | None:
        """Writes the release into the branch and returns the branch's commit from before."""
        reason: str | None = None
        for _ in range(5):
            before = self.fetch()
            if before is not None:
                there = self.release_at(before)
                if there == release:
                    self.revision = before
                    return before
                if not backwards and not self.is_ancestor(there.commit, release.commit):
                    raise Superseded(f"{release.commit} doesn't come after {there.commit}, which is there")
                if not backwards and not self.differs(before, there, release):
                    raise Unchanged(
                        f"{there.reference} of {there.commit} is as good: nothing that it is made of changed"
                    )
            self.revision = self.commit(self.tree(release), before, "Deploy", release)
            reason = self.push(self.revision)
            if reason is None:
                say(f"{self.branch} has {release.reference}")
                return before
        raise Failure(f"git push to {self.branch} was refused five times: {reason}")

    def record_again(self, before: str) -> None:
        """Brings back all that the branch had, the manifests, too."""
        there = self.fetch()
        if there != self.revision:
            raise Superseded("someone else has deployed since")
        release = self.release_at(before)
        self.revision = self.commit(f"{before}^{{tree}}", there, "Go back to", release)
        reason = self.push(self.revision)
        if reason is not None:
            raise Failure(f"git push to {self.branch}: {reason}")
        say(f"{self.branch} has {release.reference} again")

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
        revision = status.get("sync", {}).get("revision", "unknown")
        health = status.get("health", {}).get("status", "unknown")
        if (
            sync == "Synced"
            and revision == self.revision
            and health == "Healthy"
            and release.reference in status.get("summary", {}).get("images", [])
        ):
            return None
        return f"ArgoCD says {sync} at {revision[:12]}, {health}, images {status.get('summary', {}).get('images', [])}"

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
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(self.git("show", f"{self.revision}:{MANIFESTS}"))
                file.flush()
                self.kubectl("apply", "-f", file.name)
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
        except Unchanged as reason:
            return "unchanged", str(reason)
        except Failure as failure:
            return "refused", str(failure)
        try:
            self.roll_out(release)
            self.smoke(release)
            return "deployed", f"{release.reference} of {release.commit} runs and works"
        except Failure as failure:
            say(f"failed: {failure}")
            return self.go_back(release, before, str(failure))

    def go_back(self, release: Release, before: str | None, why: str) -> tuple[str, str]:
        if before is None or before == self.revision:
            return "failed", f"{why}; there is nothing to go back to, {release.digest} is what the branch has"
        older = self.release_at(before)
        try:
            self.record_again(before)
            self.roll_out(older)
            self.smoke(older)
        except Superseded as reason:
            return "failed", f"{why}; not taken back: {reason}"
        except Failure as failure:
            return "rollback-failed", f"{why}; going back to {older.reference}: {failure}"
        return "rolled-back", f"{why}; {older.reference} of {older.commit} runs again"


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
    parser.add_argument("--branch", default="deploy/production", help="that ArgoCD follows (deploy/production)")
    parser.add_argument("--wait", type=float, default=900, metavar="SECONDS", help="for the cluster (900)")
    parser.add_argument("--poll", type=float, default=5, metavar="SECONDS", help="between two questions (5)")
    settings = parser.parse_args()
    for value, form, what in (
        (settings.image, r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+", "image's name in small letters"),
        (settings.digest, r"sha256:[0-9a-f]{64}", "digest: sha256: and 64 hexadecimal digits"),
        (settings.commit, r"[0-9a-f]{40}", "full SHA of a commit"),
    ):
        if not re.fullmatch(form, value):
            parser.error(f"'{value}' is no {what}")
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
