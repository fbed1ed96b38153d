# SPDX-License-Identifier: Apache-2.0
"""Debian's Alertmanager on the shipped configuration, and a receiver that keeps what it was sent."""

from __future__ import annotations

import http.server
import json
import tempfile
import threading
import urllib.request
from pathlib import Path
from typing import Any

from harness import Program, free_port
from prometheus_server import MONITORING, replaced

PROGRAM = "prometheus-alertmanager"
CONFIGURATION = MONITORING / "alertmanager" / "alertmanager.yml"


class Receiver:
    """`with Receiver() as receiver:` keeps each alert by the path that it was posted to."""

    def __enter__(self) -> Receiver:
        self.told: dict[str, list[dict[str, Any]]] = {}
        told = self.told

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.setdefault(self.path, []).extend(body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def names(self, path: str) -> set[str]:
        return {alert["labels"]["alertname"] for alert in self.told.get(path, [])}

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Alertmanager(Program):
    """`with Alertmanager(receiver.url) as alertmanager:`. Only addresses and waits differ from what is shipped."""

    def __init__(self, receiver: str) -> None:
        self.receiver = receiver
        self.address = f"127.0.0.1:{free_port()}"

    def __enter__(self) -> Alertmanager:
        self.folder = tempfile.TemporaryDirectory(prefix="catdog-alertmanager-")
        root = Path(self.folder.name)
        text = CONFIGURATION.read_text()
        hosts = text.count("url: https://alerts.")
        assert hosts == 3, "each severity has its receiver"
        lines = []
        for line in text.splitlines():
            if line.strip().startswith("- url: "):
                line = f"{line.partition('url: ')[0]}url: {self.receiver}/{line.rpartition('/')[2]}"
            lines.append(line)
        text = replaced("\n".join(lines), "group_wait: 30s", "group_wait: 0s", 1)
        config = root / "alertmanager.yml"
        config.write_text(replaced(text, "group_wait: 10s", "group_wait: 0s", 1))
        command = [PROGRAM, f"--config.file={config}", f"--storage.path={root / 'data'}"]
        command += [f"--web.listen-address={self.address}", "--cluster.listen-address="]
        self._start("Alertmanager", command, self._is_ready)
        return self

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=10):
                return True
        except OSError:
            return False
