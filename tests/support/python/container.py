# SPDX-License-Identifier: Apache-2.0
"""Runs an image as Kubernetes would, without a container engine: buildah unpacks it, namespaces of the kernel hold it.

Its process is PID 1 of its own, with the image's user, entry point and environment, a read-only root, no capability and
none to be gained. It shares the network with its host. Needs root and buildah.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from harness import becomes_ready, free_ports

# $1 root, $2 user, $3 group, $4 folder; then NAME=VALUE…, the command and its arguments.
ENTER = """
set -eu
root=$1 user=$2 group=$3 folder=$4
shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t tmpfs -o mode=755,nosuid,noexec tmpfs "$root/dev"
for device in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"; done
mount -o remount,ro "$root/dev"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -o remount,bind,ro "$root"
exec chroot "$root" /usr/bin/env -i /usr/bin/setpriv --reuid "$user" --regid "$group" --clear-groups \
  --bounding-set=-all --inh-caps=-all --no-new-privs /usr/bin/env -C "$folder" "$@"
"""


def why_not() -> str:
    """What is missing here to run an image, if anything."""
    if os.geteuid() != 0:
        return "running an image needs root"
    missing = [name for name in ("buildah", "unshare", "chroot") if shutil.which(name) is None]
    return f"missing: {', '.join(missing)} (on Debian: apt-get install buildah)" if missing else ""


def buildah(*arguments: str) -> str:
    result = subprocess.run(["buildah", *arguments], capture_output=True, text=True, timeout=600)
    if result.returncode != 0:
        raise RuntimeError(f"buildah {' '.join(arguments)}: {result.stderr}")
    return result.stdout.strip()


class Image:
    """`with Image(name) as image:` has it unpacked in image.root until the block ends."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> Image:
        self.container = buildah("from", "--pull-never", self.name)
        try:
            self.root = Path(buildah("mount", self.container))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        buildah("rm", self.container)

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        described = json.loads(buildah("inspect", "--type", "image", self.name))
        config: dict[str, Any] = described["Docker"]["config"]
        return config

    @functools.cached_property
    def megabytes(self) -> float:
        """On disk; a file with several names counts once."""
        found = {(status.st_dev, status.st_ino): status for status in (file.lstat() for file in self.root.rglob("*"))}
        return sum(status.st_blocks * 512 for status in found.values()) / 1e6


class Container:
    """`with Container(image, environment) as container:` runs its entry point, or a command, until the block ends."""

    def __init__(
        self, image: Image, environment: dict[str, str] | None = None, command: list[str] | None = None
    ) -> None:
        self.image = image
        self.environment = dict(item.split("=", 1) for item in image.config["Env"]) | (environment or {})
        self.command = command or image.config["Entrypoint"]

    def __enter__(self) -> Container:
        self.folder = tempfile.TemporaryDirectory(prefix="catdog-container-")
        self.log_path = Path(self.folder.name) / "log"
        user, _, group = self.image.config["User"].partition(":")
        arguments = [str(self.image.root), user, group, self.image.config.get("WorkingDir") or "/"]
        arguments += [f"{name}={value}" for name, value in self.environment.items()]
        namespaces = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork"]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*namespaces, "--", "sh", "-c", ENTER, "sh", *arguments, *self.command], stdout=log, stderr=log
            )
        return self

    def __exit__(self, *_: object) -> None:
        # Its process 1 by itself: becoming another user took from it what --kill-child had asked for.
        with contextlib.suppress(OSError, IndexError):
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait(60)  # It ends with its child, or has long ended.
        self.folder.cleanup()

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """Its first process, as its host numbers it."""
        number = self.process.pid
        return int(Path(f"/proc/{number}/task/{number}/children").read_text().split()[0])

    def status(self) -> dict[str, str]:
        """/proc/PID/status of its first process."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def mounts(self) -> dict[str, set[str]]:
        """The options of each mounted folder as it sees them. Its root is below its host's."""
        found = {}
        for line in Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines():
            fields = line.split()
            found[fields[4]] = set(fields[5].split(","))
        return found

    def terminate(self) -> None:
        """As the kubelet does."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float = 120) -> int:
        return self.process.wait(seconds)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Another command in a container of the same image, environment and user; they share the network."""
        with Container(self.image, self.environment, list(command)) as other:
            status = other.wait()
            return subprocess.CompletedProcess(command, status, other.log)


class ServiceContainer(Container):
    """The service in a container on two free ports of 127.0.0.1; waits until it is ready."""

    def __init__(self, image: Image, environment: dict[str, str] | None = None) -> None:
        self.port, admin_port = free_ports(2)
        listening = {"CATDOG_LISTEN_ADDRESS": "127.0.0.1", "CATDOG_LISTEN_PORT": str(self.port)}
        listening |= {"CATDOG_ADMIN_LISTEN_ADDRESS": "127.0.0.1", "CATDOG_ADMIN_LISTEN_PORT": str(admin_port)}
        super().__init__(image, (environment or {}) | listening)
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_url = f"http://127.0.0.1:{admin_port}"

    def __enter__(self) -> ServiceContainer:
        super().__enter__()
        if becomes_ready(self.process, lambda: self.ask("/health/ready") == 200, 120):
            return self
        log = self.log
        self.__exit__()
        raise RuntimeError(f"the container isn't ready: {log}")

    def ask(self, path: str) -> int:
        """The status of the reply; 0 when there is none."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code
        except OSError:
            return 0

    def events(self) -> list[str]:
        return re.findall(r'"event": ?"([a-z_]+)"', self.log)
