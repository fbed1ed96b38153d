# SPDX-License-Identifier: Apache-2.0
"""The follower beside a training that goes on, ends early or begins anew."""

from __future__ import annotations

import os
import time
from pathlib import Path

import tiny
from mlflow_server import Follower, Mlflow, history, in_file, until


def test_a_training_that_ends_early_is_marked_so(server: Mlflow, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    training = tiny.train(data, run, 100000)
    with Follower(run, server.uri, "a-training-that-ends-early-is-marked-so", "--pid", training.pid) as follower:
        until(lambda: server.has_epochs("a-training-that-ends-early-is-marked-so"), follower.log.read_text)
        training.kill()
        training.wait()
        status, message = follower.ends()
    assert status == 4, message
    (there,) = server.runs("a-training-that-ends-early-is-marked-so")
    assert there.info.status == "KILLED"
    assert history(server, there.info.run_id, "train_loss") == in_file(run, "train_loss")


def test_a_new_training_in_the_same_folder_is_another_run(server: Mlflow, data: Path, tmp_path: Path) -> None:
    for epochs in (1, 2):
        run = tiny.trained(data, tmp_path / "run", epochs)
        with Follower(run, server.uri, "a-new-training-in-the-same-folder-is-another-run") as follower:
            status, message = follower.ends()
        assert status == 0, message
    assert sorted(
        len(history(server, there.info.run_id, "train_loss"))
        for there in server.runs("a-new-training-in-the-same-folder-is-another-run")
    ) == [1, 2]


def test_new_waits_for_the_next_training(server: Mlflow, data: Path, tmp_path: Path) -> None:
    run = tiny.trained(data, tmp_path / "run", 1)
    old = time.time() - 3600
    for path in (run / "metrics.jsonl", run / "evaluation.json"):
        os.utime(path, (old, old))
    with Follower(run, server.uri, "new-waits-for-the-next-training", "--new") as follower:
        until(lambda: "waiting" in follower.log.read_text(), follower.log.read_text)
        tiny.trained(data, run, 2)
        status, message = follower.ends()
    assert status == 0, message
    (there,) = server.runs("new-waits-for-the-next-training")
    assert there.data.params["epochs"] == "2"
