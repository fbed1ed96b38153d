# SPDX-License-Identifier: Apache-2.0
"""One training run on an MLflow server. What the server has decides what is sent: each call may be repeated."""

from __future__ import annotations

import importlib
import json
import os
import time
from pathlib import Path
from typing import Any

import run_charts
from model_facts import description, sha256

STATE = "mlflow_run.json"


def quick_to_fail() -> None:
    """The follower does the repeating: MLflow's own would keep it for minutes in one call, deaf to the trainer."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")


class MlflowRun:
    """The run that a folder of catdog-train is logged to; which one it is, the folder remembers (mlflow_run.json)."""

    def __init__(self, folder: Path, uri: str, experiment: str, model: str) -> None:
        self.folder = folder
        self.uri = uri
        self.experiment = experiment
        self.model = model
        quick_to_fail()
        self.mlflow = importlib.import_module("mlflow")
        self.client = self.mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        self.run_id = ""

    def connect(self, first: dict[str, float]) -> None:
        """Finds the run that was begun before, or begins one; the first epoch tells one training from another."""
        if self.run_id:
            return
        state = self.folder / STATE
        if state.exists():
            known = json.loads(state.read_text())
            if known["tracking_uri"] == self.uri and known["first_epoch"] == first:
                self.client.get_run(known["run_id"])
                self.run_id = known["run_id"]
                return
        found = self.client.get_experiment_by_name(self.experiment)
        experiment_id = found.experiment_id if found else self.client.create_experiment(self.experiment)
        run = self.client.create_run(experiment_id, run_name=self.folder.resolve().name)
        known = {"tracking_uri": self.uri, "run_id": run.info.run_id, "first_epoch": first}
        state.write_text(json.dumps(known) + "\n")
        self.run_id = run.info.run_id

    def is_outage(self, error: Exception) -> bool:
        """The server is away, starting or breaking off; anything else would be the same the next time."""
        if isinstance(error, self.mlflow.exceptions.MlflowException):
            status = int(error.get_http_status_code())
            return status >= 500 or status == 429
        return isinstance(error, importlib.import_module("requests").exceptions.RequestException)

    def epochs_there(self) -> int:
        # The last of a batch's metrics in the order of log_epochs, which the server stores in one transaction.
        history = self.client.get_metric_history(self.run_id, "train_loss")
        return max((int(metric.step) for metric in history), default=0)

    def log_epochs(self, epochs: list[dict[str, float]]) -> None:
        metric = self.mlflow.entities.Metric
        for epoch in epochs[self.epochs_there() :]:
            now = int(time.time() * 1000)
            step = int(epoch["epoch"])
            values = [metric(name, float(value), now, step) for name, value in epoch.items() if name != "epoch"]
            self.client.log_batch(self.run_id, metrics=values)

    def log_result(self, epochs: list[dict[str, float]], evaluation: dict[str, Any] | None) -> None:
        """Everything that is known only after the last epoch; the run is finished then."""
        model = self.folder / "best_model.pt"
        facts = description(model)
        checksum = sha256(model)
        entities = self.mlflow.entities
        provenance = facts["provenance"]
        options = [entities.Param(name, str(value)) for name, value in provenance["options"].items()]
        pictures = [entities.Param(f"pictures_{name}", str(count)) for name, count in provenance["pictures"].items()]
        tags = {"model_sha256": checksum, "trainer": provenance["trainer"], "libtorch": provenance["libtorch"]}
        final = {
            f"final_{split}_{name}": float(value)
            for split, values in facts["metrics"].items()
            for name, value in values.items()
            if isinstance(value, (int, float))
        }
        if evaluation is not None:
            if evaluation["model"]["sha256"] != checksum:
                raise ValueError(f"the evaluation is of another model than {model}: evaluate again")
            for name in ("accuracy", "auc", "ece", "nll", "brier"):
                if evaluation[name] is not None:
                    final[f"evaluate_{name}"] = float(evaluation[name])
            matrix = run_charts.confusion_matrix(evaluation["labels"], evaluation["confusion"])
            self.client.log_figure(self.run_id, matrix, "confusion_matrix.png")
            self.client.log_dict(self.run_id, evaluation, "evaluation.json")
        self.client.log_batch(
            self.run_id,
            metrics=[entities.Metric(name, value, int(time.time() * 1000), 0) for name, value in final.items()],
            params=options + pictures,
            tags=[entities.RunTag(name, value) for name, value in tags.items()],
        )
        self.client.log_figure(self.run_id, run_charts.loss_curve(epochs), "loss_curve.png")
        self.client.log_text(self.run_id, f"{checksum}  best_model.pt\n", "model/best_model.pt.sha256")
        self.client.log_artifact(self.run_id, str(model), "model")
        self.client.log_text(self.run_id, self.pyfunc(), "model/MLmodel")
        self.register(checksum)
        self.client.set_terminated(self.run_id, "FINISHED")

    def pyfunc(self) -> str:
        """The file that makes the folder a model of mlflow.pyfunc, for a Python that has the package catdog."""
        model = self.mlflow.models.Model(run_id=self.run_id)
        self.mlflow.pyfunc.add_to_model(model, loader_module="catdog._mlflow", data="best_model.pt")
        return str(model.to_yaml())

    def register(self, checksum: str) -> None:
        if not self.model or self.client.search_model_versions(f"run_id='{self.run_id}'"):
            return
        if not self.client.search_registered_models(f"name='{self.model}'"):
            self.client.create_registered_model(self.model)
        source = self.client.get_run(self.run_id).info.artifact_uri + "/model"
        self.client.create_model_version(self.model, source, self.run_id, tags={"sha256": checksum})

    def log_stopped(self) -> None:
        self.client.set_terminated(self.run_id, "KILLED")
