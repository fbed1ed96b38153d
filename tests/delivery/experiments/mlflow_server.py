# SPDX-License-Identifier: Apache-2.0
"""A real MLflow server on loopback, the follower beside a training, and what the two say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from harness import eventually, free_port

mlflow = pytest.importorskip("mlflow", reason="mlflow is missing (scripts/delivery_tests.sh experiments installs it)")
pytest.importorskip("mlflow.server", reason="this mlflow has no server (mlflow, not mlflow-skinny)")

LIMIT = 240  # a busy machine takes a minute to start MLflow


def until(holds: Callable[[], bool], what: Callable[[], str]) -> None:
    assert eventually(holds, LIMIT), what()


class Mlflow:
    """An MLflow server on its own port; `stop` and `start` keep what it has stored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Mlflow:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"]
        command += ["--serve-artifacts", "--artifacts-destination", str(self.folder / "artifacts")]
        environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # Eight processes that nobody asks anything.
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, env=environment, start_new_session=True
            )
        until(self.is_up, lambda: f"no MLflow server: {(self.folder / 'log').read_text()[-3000:]}")
        return self

    def is_up(self) -> bool:
        assert self.process and self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def client(self) -> Any:
        return mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def runs(self, experiment_name: str) -> list[Any]:
        experiment = self.client().get_experiment_by_name(experiment_name)
        return list(self.client().search_runs([experiment.experiment_id])) if experiment else []

    def has_epochs(self, experiment_name: str) -> bool:
        return any("train_loss" in run.data.metrics for run in self.runs(experiment_name))


class Follower:
    """log_mlflow.py beside a training; `name` is that of the experiment and of the registered model."""

    def __init__(self, run: Path, uri: str, name: str, *more: object) -> None:
        self.log = run.parent / f"follower-{time.monotonic_ns()}.log"
        command = [sys.executable, str(tiny.TRAINING / "log_mlflow.py"), "--run", str(run), "--tracking-uri", uri]
        command += ["--experiment", name, "--registered-model", name]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*command, "--poll", "0.1", *map(str, more)], stdout=log, stderr=log)

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def ends(self) -> tuple[int, str]:
        status = self.process.wait(timeout=LIMIT)
        return status, self.log.read_text()


def epochs_of(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def history(server: Mlflow, run_id: str, name: str) -> list[tuple[int, float]]:
    return sorted((metric.step, metric.value) for metric in server.client().get_metric_history(run_id, name))


def in_file(run: Path, name: str) -> list[tuple[int, float]]:
    return [(int(epoch["epoch"]), epoch[name]) for epoch in epochs_of(run)]
