# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus on a free port of 127.0.0.1, with what the monitoring folder ships."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from harness import SOURCE

MONITORING = SOURCE / "monitoring"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def replaced(text: str, old: str, new: str, times: int) -> str:
    assert text.count(old) == times, f"prometheus.yml has {text.count(old)} times {old!r}"
    return text.replace(old, new)


class PrometheusServer:
    """`with PrometheusServer(api="host:port", metrics="host:port") as prometheus:` runs it until the block ends.

    It has a copy of monitoring/ in which only this differs: the targets' files, the port of Prometheus itself, and
    intervals of a second instead of 15, so that nobody waits for minutes.
    """

    def __init__(self, api: str, metrics: str) -> None:
        self.targets = {"api": api, "metrics": metrics}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> PrometheusServer:
        self.folder = tempfile.TemporaryDirectory(prefix="catdog-prometheus-")
        root = Path(self.folder.name)
        shutil.copytree(MONITORING, root / "monitoring")
        for name, target in self.targets.items():
            text = json.dumps([{"targets": [target]}])  # JSON is YAML
            (root / "monitoring" / "targets" / f"{name}.yml").write_text(text)
        config = root / "monitoring" / "prometheus.yml"
        text = replaced(config.read_text(), "localhost:9090", f"127.0.0.1:{self.port}", 1)
        text = replaced(text, "_interval: 15s", "_interval: 1s", 2)
        config.write_text(replaced(text, "scrape_timeout: 10s", "scrape_timeout: 1s", 1))
        self.log_path = root / "log"
        command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={root / 'data'}"]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{self.port}"], stderr=log)
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def _wait_until_ready(self) -> None:
        limit = time.monotonic() + 60
        while time.monotonic() < limit and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + "/-/ready", timeout=10):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"Prometheus isn't ready: {self.log_path.read_text()}")

    def api(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=60) as reply:
            return json.load(reply)["data"]
