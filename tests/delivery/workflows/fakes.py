# SPDX-License-Identifier: Apache-2.0
"""Programs that stand in for kubectl, docker, cosign and gh: they keep their state in a folder and note every call."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

FAKES = ("kubectl", "docker", "cosign", "gh")


class Fakes:
    """A folder for PATH with the programs, and what they were asked."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        (folder / "bin").mkdir(parents=True)
        self.set(**settings)
        for name in FAKES:
            program = folder / "bin" / name
            program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {folder} {name} "$@"\n')
            program.chmod(0o755)

    def set(self, **settings: Any) -> None:
        file = self.folder / "settings.json"
        there = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps({**there, **settings}))

    @property
    def settings(self) -> dict[str, Any]:
        return json.loads((self.folder / "settings.json").read_text())

    def environment(self, **more: str) -> dict[str, str]:
        unwanted = ("GITHUB_", "SERVICE_URL", "KUBE", "CATDOG_", "GIT_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        return {**inherited, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", **more}

    def calls(self, name: str) -> list[str]:
        log = self.folder / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line.partition(" ")[2] for line in lines if line.split(" ")[0] == name]


def fail(text: str, status: int = 1) -> int:
    print(text, file=sys.stderr)
    return status


def image_in(text: str) -> str:
    """The image of the rendered manifests."""
    (image,) = set(re.findall(r"^\s+image: (\S+)$", text, re.M))
    return image


def in_branch(state: Fakes, what: str) -> str:
    command = ["git", "-C", state.settings["origin"], *what.split()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def kubectl(state: Fakes, arguments: list[str]) -> int:
    settings, words = state.settings, [
        word for word in arguments if word not in ("-n", "argocd", "cats-dogs-classifier")
    ]
    if words[0] == "kustomize":
        return subprocess.run([settings["kubectl"], *arguments], check=False).returncode
    if settings.get("unreachable"):
        return fail("The connection to the server 127.0.0.1:6443 was refused")
    image = settings.get("image", "")
    if words[:2] == ["get", "application"]:
        if not settings.get("argocd"):
            return fail('error: the server doesn\'t have a resource type "application"')
        if words[-1] == "name":
            print("application.argoproj.io/cats-dogs-classifier")
        else:
            sync = {"status": "Synced", "revision": settings.get("revision", "")}
            status = {"sync": sync, "health": {"status": "Healthy"}, "summary": {"images": [image]}}
            print(json.dumps({"status": {**status, **settings.get("argocd_status", {})}}))
    elif words[:2] == ["annotate", "application"]:
        if not settings.get("stuck"):
            image = image_in(in_branch(state, "show deploy/production:production/manifests.yaml"))
            state.set(image=image, revision=in_branch(state, "rev-parse deploy/production").strip())
    elif words[:2] == ["apply", "-f"]:
        state.set(image=image_in(Path(words[2]).read_text()))
    elif words[:2] == ["get", "deployment"]:
        if words[-1] == "name":
            print("deployment.apps/cats-dogs-classifier")
        else:
            # That many questions are still answered with another image.
            late = settings.get("late", 0)
            state.set(late=max(0, late - 1))
            print(settings.get("other_image", "another" if late else image))
    elif words[:2] == ["rollout", "status"]:
        for command in settings.get("on_rollout", []):
            subprocess.run(command, check=True, capture_output=True)
        if any(image.endswith(digest) for digest in settings.get("broken", [])):
            return fail("error: timed out waiting for the condition")
    elif words[0] == "port-forward":
        if not settings.get("port"):
            return fail("error: unable to forward port because pod is not running")
        print(f"Forwarding from 127.0.0.1:{settings['port']} -> 8000", flush=True)
        signal.pause()
    else:
        return fail(f"fake kubectl: unknown: {shlex.join(arguments)}", 64)
    return 0


def supervise(state: Fakes) -> None:
    """The container's life, in a process of its own."""
    command = [os.environ["FAKE_SERVER"], "--address", "127.0.0.1", "--admin-address", "127.0.0.1", "--port", "0"]
    command += ["--admin-port", "0", "--port-file", str(state.folder / "ports"), *state.settings.get("flags", [])]
    with (state.folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        (state.folder / "pid").write_text(str(server.pid))
        (state.folder / "ended.new").write_text(str(server.wait()))
    (state.folder / "ended.new").rename(state.folder / "ended")


def wait_for(file: Path, *others: Path) -> None:
    limit = time.monotonic() + 60
    while not any(each.exists() and each.read_text().strip() for each in (file, *others)):
        if time.monotonic() > limit:
            raise TimeoutError(f"no {file}")
        time.sleep(0.02)


def docker(state: Fakes, arguments: list[str]) -> int:
    folder, settings = state.folder, state.settings
    if arguments[0] == "run":
        everything = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.Popen([sys.executable, __file__, str(folder), "supervise"], start_new_session=True, **everything)
        print("c0ffee")
    elif arguments[0] == "port":
        wait_for(folder / "ports", folder / "ended")
        found = re.search(r"^api=(\d+)$", (folder / "ports").read_text(), re.M) if (folder / "ports").exists() else None
        if found and not (folder / "ended").exists():
            print(f"127.0.0.1:{found[1]}")
    elif arguments[0] in ("stop", "rm"):
        wait_for(folder / "pid")
        if not (folder / "ended").exists():
            os.kill(int((folder / "pid").read_text()), signal.SIGTERM if arguments[0] == "stop" else signal.SIGKILL)
        wait_for(folder / "ended")
    elif arguments[0] == "inspect":
        print(settings.get("exit_code", (folder / "ended").read_text()))
    elif arguments[0] == "logs":
        print((folder / "log").read_text())
    elif arguments[0] == "push":
        digest = settings["digests"].pop(0)
        state.set(digests=settings["digests"])
        print(f"The push refers to repository\nmain: digest: {digest} size: 1573")
    elif arguments[:3] == ["buildx", "imagetools", "inspect"]:
        if "revision" in arguments[-1] and settings.get("revision"):
            print(settings["revision"])
            return 0
        if "digest" not in settings:
            return fail(f"ERROR: {arguments[3]}: not found")
        print(settings["digest"])
    elif arguments[:2] == ["image", "inspect"]:
        print(arguments[-1].rpartition("-")[2])
    elif arguments[:3] == ["buildx", "imagetools", "create"]:
        print("pushing the list", file=sys.stderr)
    elif arguments[0] not in ("tag", "pull"):
        return fail(f"fake docker: unknown: {shlex.join(arguments)}", 64)
    return 0


def main() -> int:
    state = object.__new__(Fakes)
    state.folder = Path(sys.argv[1])
    name, arguments = sys.argv[2], sys.argv[3:]
    if name == "supervise":
        supervise(state)
        return 0
    with (state.folder / "calls").open("a") as log:
        log.write(f"{name} {shlex.join(arguments)}\n")
    if name == "kubectl":
        return kubectl(state, arguments)
    if name == "docker":
        return docker(state, arguments)
    if name == "cosign" and arguments[0] in state.settings.get("unsigned", []):
        return fail("Error: no matching signatures")
    if name == "gh" and arguments[0] == "attestation" and state.settings.get("unattested"):
        return fail("Error: no attestations found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
