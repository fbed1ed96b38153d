# SPDX-License-Identifier: Apache-2.0
"""The real server on free ports of 127.0.0.1, and the images and labels that the tests share."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[3]
OUTPUT = SOURCE / "build" / "contract"
MODEL = SOURCE / "models" / "best_model.pt"
CAT = SOURCE / "examples" / "images" / "cat" / "chelsea.png"
DOG = SOURCE / "examples" / "images" / "dog" / "dog.jpg"


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, each another."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def free_port() -> int:
    return free_ports(1)[0]


def eventually(condition: Callable[[], object], seconds: float, pause: float = 0.05) -> bool:
    """Whether it comes true within that time; it is asked at least once."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(pause)
    return True


def becomes_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], seconds: float) -> bool:
    """Within that time, and without ending before."""
    return eventually(lambda: process.poll() is not None or ready(), seconds) and process.poll() is None


class Program:
    """A server in a process of its own until a `with` block ends; its log is in a folder of its own."""

    process: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str]
    log_path: Path

    def _start(self, name: str, command: list[str], ready: Callable[[], bool], **options: object) -> None:
        """Returns when it is ready; self.folder is there before. `options` are those of Popen."""
        self.log_path = Path(self.folder.name) / "log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, **options)  # type: ignore
        try:
            if not becomes_ready(self.process, ready, 60):
                raise RuntimeError(f"{name} isn't ready: {self.log_path.read_text()}")
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


class Server(Program):
    """`with Server(flags) as server:` runs catdog-server until the block ends."""

    def __init__(self, *flags: str, token: str = "", wait_until_ready: bool = True, model: Path = MODEL) -> None:
        self.flags = flags
        self.model = model
        self.token = token
        self.wait_until_ready = wait_until_ready

    def __enter__(self) -> Server:
        self.folder = tempfile.TemporaryDirectory(prefix="catdog-contract-")
        ports = Path(self.folder.name) / "ports"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CATDOG_")}
        if self.token:
            environment["CATDOG_ADMIN_TOKEN"] = self.token
        address = ["--address", "127.0.0.1", "--admin-address", "127.0.0.1", "--port", "0", "--admin-port", "0"]
        flags = ["--model", str(self.model), *address, "--port-file", str(ports), *self.flags]
        command = [os.environ["CATDOG_SERVER"], *flags]
        self._start("catdog-server", command, lambda: self._is_ready(ports), env=environment)
        return self

    def _is_ready(self, ports: Path) -> bool:
        text = ports.read_text() if ports.exists() else ""
        if "admin=" not in text or not text.endswith("\n"):
            return False
        found = dict(line.split("=") for line in text.split())
        self.url = f"http://127.0.0.1:{found['api']}"
        self.admin_url = f"http://127.0.0.1:{found['admin']}"
        return not self.wait_until_ready or self.ask("/health/ready")[0] == 200

    def ask(
        self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, method: str | None = None
    ) -> tuple[int, bytes]:
        """Status and body of the reply."""
        request = urllib.request.Request(self.url + path, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    def predict(self, image: bytes) -> tuple[int, dict[str, object]]:
        status, body = self.ask("/predict", image, {"Content-Type": "application/octet-stream"})
        return status, json.loads(body)


def labels_of_the_command(images: list[Path]) -> list[str]:
    """What the catdog command says, which has none of the service's code."""
    command = [os.environ["CATDOG_COMMAND"], "classify", "--model", str(MODEL), "--json", *map(str, images)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["label"] for line in output.splitlines()]
