# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus on a free port of 127.0.0.1, with what the monitoring folder ships."""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from harness import SOURCE, Program, free_port

MONITORING = SOURCE / "monitoring"


def replaced(text: str, old: str, new: str, times: int) -> str:
    assert text.count(old) == times, f"prometheus.yml has {text.count(old)} times {old!r}"
    return text.replace(old, new)


class PrometheusServer(Program):
    """`with PrometheusServer(api="host:port", metrics="host:port") as prometheus:` runs it until the block ends.

    It has a copy of monitoring/ in which only this differs: the targets' files, the port of Prometheus itself, and
    intervals of a second instead of 15, so that nobody waits for minutes. With `scrape_configs` it scrapes only
    by those; with `groups` it has those rules alone; `alertmanager` is the address of one.
    """

    def __init__(
        self,
        api: str = "",
        metrics: str = "",
        scrape_configs: list[dict[str, Any]] | None = None,
        groups: list[dict[str, Any]] | None = None,
        alertmanager: str = "",
    ) -> None:
        self.targets = {"api": api, "metrics": metrics}
        self.scrape_configs = scrape_configs
        self.groups = groups
        # Port 9 discards: nobody is told, and nothing is scraped there.
        self.alertmanager = alertmanager or "127.0.0.1:9"
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
        text = replaced(text, "scrape_timeout: 10s", "scrape_timeout: 1s", 1)
        text = replaced(text, "alertmanager:9093", self.alertmanager, 2)
        if self.groups is not None:
            for file in (root / "monitoring" / "rules").glob("*.yml"):
                file.unlink()
            (root / "monitoring" / "rules" / "all.yml").write_text(json.dumps({"groups": self.groups}))
        if self.scrape_configs is not None:
            text = f"{text.partition('scrape_configs:')[0]}scrape_configs: {json.dumps(self.scrape_configs)}\n"
        config.write_text(text)
        command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={root / 'data'}"]
        self._start("Prometheus", [*command, f"--web.listen-address=127.0.0.1:{self.port}"], self._is_ready)
        return self

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/-/ready", timeout=10):
                return True
        except OSError:
            return False

    def api(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=60) as reply:
            return json.load(reply)["data"]
