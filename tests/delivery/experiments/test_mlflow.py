# SPDX-License-Identifier: Apache-2.0
"""The real trainer, the real MLflow server on loopback: what is logged is read back."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow_server import Follower, Mlflow, history, in_file


def test_a_run_is_read_back_as_it_was(server: Mlflow, data: Path, finished: Path, tmp_path: Path) -> None:
    with Follower(finished, server.uri, "a-run-is-read-back-as-it-was", "--data", data) as follower:
        status, message = follower.ends()
    assert status == 0, message
    (run,) = server.runs("a-run-is-read-back-as-it-was")
    assert run.info.status == "FINISHED"
    for name in ("train_loss", "validation_log_loss", "validation_accuracy", "learning_rate", "pictures_per_second"):
        assert history(server, run.info.run_id, name) == in_file(finished, name)
    assert run.data.params["epochs"] == "3" and run.data.params["image_size"] == "32"
    assert int(run.data.params["pictures_train"]) == len((finished / "train.txt").read_text().splitlines())
    test = json.loads((finished / "evaluation.json").read_text())["test"]
    assert run.data.metrics["final_test_accuracy"] == test["accuracy"]

    checksum = hashlib.sha256((finished / "best_model.pt").read_bytes()).hexdigest()
    assert run.data.tags["model_sha256"] == checksum
    got = Path(server.client().download_artifacts(run.info.run_id, "", str(tmp_path)))
    assert (got / "model" / "best_model.pt").read_bytes() == (finished / "best_model.pt").read_bytes()
    assert (got / "model" / "best_model.pt.sha256").read_text() == f"{checksum}  best_model.pt\n"
    evaluation = json.loads((got / "evaluation.json").read_text())
    assert sum(map(sum, evaluation["confusion"])) == len((finished / "test.txt").read_text().splitlines())
    image = pytest.importorskip("PIL.Image")
    for name in ("loss_curve.png", "confusion_matrix.png"):
        with image.open(got / name) as picture:
            assert len(picture.convert("RGB").resize((64, 64)).getcolors(4096)) > 3, f"{name} is empty"

    (version,) = server.client().search_model_versions("name='a-run-is-read-back-as-it-was'")
    assert (version.run_id, version.tags["sha256"]) == (run.info.run_id, checksum)


def test_the_registered_model_predicts_with_pyfunc(server: Mlflow, data: Path, finished: Path) -> None:
    package = os.environ.get("CATDOG_PYTHON_PACKAGE")
    if package is None:
        pytest.skip("this build has no Python bindings")
    with Follower(finished, server.uri, "the-registered-model-predicts") as follower:
        status, message = follower.ends()
    assert status == 0, message
    images = sorted(map(str, data.glob("*/*.png")))[:4]
    program = f"""
import json, mlflow, pandas
mlflow.set_tracking_uri({server.uri!r})
model = mlflow.pyfunc.load_model("models:/the-registered-model-predicts/1")
images = {images!r}
print(json.dumps([model.predict(images), model.predict(pandas.DataFrame({{"path": images}}))]))
"""
    environment = {**os.environ, "PYTHONPATH": package}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    of_list, of_table = json.loads(done.stdout.splitlines()[-1])
    assert [row["source"] for row in of_list] == images
    assert all(row["status"] == "ok" and row["p_cat"] + row["p_dog"] == pytest.approx(1) for row in of_list)
    assert [row["label"] for row in of_table] == [row["label"] for row in of_list]


def test_the_same_once_more_adds_nothing(server: Mlflow, finished: Path) -> None:
    for _ in range(2):
        with Follower(finished, server.uri, "the-same-once-more-adds-nothing") as follower:
            status, message = follower.ends()
        assert status == 0, message
    (run,) = server.runs("the-same-once-more-adds-nothing")
    assert history(server, run.info.run_id, "train_loss") == in_file(finished, "train_loss")
    assert len(server.client().search_model_versions("name='the-same-once-more-adds-nothing'")) == 1


def test_errors_say_what_to_do(server: Mlflow, tmp_path: Path, finished: Path) -> None:
    with Follower(tmp_path / "absent", server.uri, "errors-say-what-to-do", "--idle", 0.5) as follower:
        status, message = follower.ends()
    assert status == 1 and "is that where catdog-train writes to" in message
    wrong = tmp_path / "evaluation.json"
    wrong.write_text(json.dumps({"model": {"sha256": "0" * 64}}))
    with Follower(finished, server.uri, "errors-say-what-to-do", "--evaluation", wrong) as follower:
        status, message = follower.ends()
    assert status == 1 and "of another model" in message
