# SPDX-License-Identifier: Apache-2.0
"""What mlflow.pyfunc.load_model() calls for a model that training/log_mlflow.py logged. MLflow isn't needed here."""

from __future__ import annotations

from typing import Any

from ._classifier import Classifier


class PyfuncModel:
    """Predicts as MLflow's python_function models do."""

    def __init__(self, path: str) -> None:
        self.classifier = Classifier(path)

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """One row for each image, as Prediction.to_dict() makes it; pandas.DataFrame(rows) makes a table.

        model_input: a list of what Classifier.classify takes, or a DataFrame whose first column has it.
        """
        images = model_input.iloc[:, 0] if hasattr(model_input, "iloc") else model_input
        return [prediction.to_dict() for prediction in self.classifier.classify_batch(images)]


def _load_pyfunc(path: str) -> PyfuncModel:
    return PyfuncModel(path)
