# SPDX-License-Identifier: Apache-2.0
"""No lost server stops a training, and what it missed is sent later."""

from __future__ import annotations

from pathlib import Path

import tiny
from harness import free_port
from mlflow_server import LIMIT, Follower, Mlflow, epochs_of, history, in_file, until


def test_a_server_killed_in_the_middle(server: Mlflow, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    training = tiny.train(data, run, 60)
    try:
        with Follower(
            run, server.uri, "a-server-killed-in-the-middle", "--give-up", 2, "--pid", training.pid
        ) as follower:
            until(lambda: server.has_epochs("a-server-killed-in-the-middle"), follower.log.read_text)
            server.stop()
            assert training.poll() is None, "the training was over before the server was killed: more epochs"
            assert training.wait(timeout=LIMIT) == 0
            status, message = follower.ends()
    finally:
        training.kill()
        training.wait()
    assert status == 3 and "doesn't answer" in message and "the same command once more" in message
    assert len(epochs_of(run)) == 60 and (run / "best_model.pt").exists()

    server.start()
    (there,) = server.runs("a-server-killed-in-the-middle")
    assert there.info.status == "RUNNING" and len(history(server, there.info.run_id, "train_loss")) < 60
    with Follower(run, server.uri, "a-server-killed-in-the-middle") as follower:
        status, message = follower.ends()
    assert status == 0, message
    (there,) = server.runs("a-server-killed-in-the-middle")
    assert there.info.status == "FINISHED"
    assert history(server, there.info.run_id, "train_loss") == in_file(run, "train_loss")


def test_a_server_that_comes_back_in_time(server: Mlflow, data: Path, tmp_path: Path) -> None:
    run = tiny.trained(data, tmp_path / "run", epochs=2)
    server.stop()
    with Follower(run, server.uri, "a-server-that-comes-back-in-time", "--give-up", LIMIT) as follower:
        until(lambda: "doesn't answer" in follower.log.read_text(), follower.log.read_text)
        server.start()
        status, message = follower.ends()
    assert status == 0, message
    (there,) = server.runs("a-server-that-comes-back-in-time")
    assert history(server, there.info.run_id, "train_loss") == in_file(run, "train_loss")


def test_a_server_that_was_never_there(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    training = tiny.train(data, run, 2)
    with Follower(run, f"http://127.0.0.1:{free_port()}", "a-server-that-was-never-there", "--give-up", 1) as follower:
        assert training.wait(timeout=LIMIT) == 0
        status, message = follower.ends()
    assert status == 3 and "Traceback" not in message
    assert len(epochs_of(run)) == 2 and (run / "best_model.pt").exists()
