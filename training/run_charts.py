# SPDX-License-Identifier: Apache-2.0
"""Charts of a training run: the losses per epoch and the confusion matrix."""

from __future__ import annotations

import importlib
from typing import Any


def _figure(width: float, height: float) -> Any:
    # Without pyplot: nothing global, and no display is looked for.
    return importlib.import_module("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")


def loss_curve(epochs: list[dict[str, float]]) -> Any:
    figure = _figure(8, 5)
    axes = figure.add_subplot()
    steps = [epoch["epoch"] for epoch in epochs]
    axes.plot(steps, [epoch["train_loss"] for epoch in epochs], marker=".", label="training loss")
    axes.plot(steps, [epoch["validation_log_loss"] for epoch in epochs], marker=".", label="validation log loss")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    accuracy = axes.twinx()
    accuracy.plot(
        steps, [epoch["validation_accuracy"] for epoch in epochs], color="tab:green", label="validation accuracy"
    )
    accuracy.set_ylabel("accuracy")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def confusion_matrix(labels: list[str], counts: list[list[int]]) -> Any:
    figure = _figure(5, 4.5)
    axes = figure.add_subplot()
    axes.imshow(counts, cmap="Blues")
    axes.set_xticks(range(len(labels)), [f"said {label}" for label in labels])
    axes.set_yticks(range(len(labels)), [f"is {label}" for label in labels])
    most = max(max(row) for row in counts)
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            axes.text(column, row, str(count), ha="center", color="white" if 2 * count > most else "black")
    return figure
