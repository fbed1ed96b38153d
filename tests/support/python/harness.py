# SPDX-License-Identifier: Apache-2.0
"""The real server on free ports of 127.0.0.1, and the pictures and labels that the tests share."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[3]
OUTPUT = SOURCE / "build" / "contract"
MODEL = SOURCE / "models" / "best_model.pt"
CAT = SOURCE / "examples" / "images" / "cat" / "chelsea.png"
DOG = SOURCE / "examples" / "images" / "dog" / "dog.jpg"


class Server:
    """`with Server(flags) as server:` runs catdog-server until the block ends."""

    def __init__(self, *flags: str, token: str = "", wait_until_ready: bool = True) -> None:
        self.flags = flags
        self.token = token
        self.wait_until_ready = wait_until_ready

    def __enter__(self) -> Server:
        self.folder = tempfile.TemporaryDirectory(prefix="catdog-contract-")
        ports = Path(self.folder.name) / "ports"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CATDOG_")}
        if self.token:
            environment["CATDOG_ADMIN_TOKEN"] = self.token
        address = ["--address", "127.0.0.1", "--admin-address", "127.0.0.1", "--port", "0", "--admin-port", "0"]
        self.log_path = Path(self.folder.name) / "log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [os.environ["CATDOG_SERVER"], "--model", str(MODEL), *address, "--port-file", str(ports), *self.flags],
                env=environment,
                stderr=log,
            )
        try:
            self._wait_until_ready(ports)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def _wait_until_ready(self, ports: Path) -> None:
        limit = time.monotonic() + 60
        while time.monotonic() < limit and self.process.poll() is None:
            if ports.exists() and "admin=" in ports.read_text() and ports.read_text().endswith("\n"):
                found = dict(line.split("=") for line in ports.read_text().split())
                self.url = f"http://127.0.0.1:{found['api']}"
                self.admin_url = f"http://127.0.0.1:{found['admin']}"
                if not self.wait_until_ready or self.ask("/health/ready")[0] == 200:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"the server isn't ready: {self.log_path.read_text()}")

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

    def predict(self, picture: bytes) -> tuple[int, dict[str, object]]:
        status, body = self.ask("/predict", picture, {"Content-Type": "application/octet-stream"})
        return status, json.loads(body)


def labels_of_the_command(pictures: list[Path]) -> list[str]:
    """What the catdog command says, which has none of the service's code."""
    command = [os.environ["CATDOG_COMMAND"], "classify", "--model", str(MODEL), "--json", *map(str, pictures)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["label"] for line in output.splitlines()]
