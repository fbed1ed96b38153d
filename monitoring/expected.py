#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes rules/expected.yml: what a model answers on images like those that it will get, for the alerts on drift.

    catdog classify --json --recursive --model MODEL DIR | expected.py --model MODEL > rules/expected.yml

DIR has a folder of images for each label. The images should be new to the model.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

# The limits of prediction_confidence's buckets but the last, below which all verdicts are.
LIMITS = ("0.55", "0.6", "0.65", "0.7", "0.75", "0.8", "0.85", "0.9", "0.95", "0.99")


def rule(record: str, value: float, label: tuple[str, str] | None = None) -> str:
    labels = f'        labels: {{{label[0]}: "{label[1]}"}}\n' if label else ""
    return f"      - record: {record}\n        expr: vector({value:.4f})\n{labels}"


def rules(lines: list[str], model: Path) -> str:
    """The rule file for what `catdog classify --json` wrote."""
    verdicts = [json.loads(line) for line in lines]
    verdicts = [verdict for verdict in verdicts if verdict["status"] == "ok"]
    if not verdicts:
        raise SystemExit("expected.py: no verdicts on standard input; pipe `catdog classify --json` into it")
    count = len(verdicts)
    truths = [Path(verdict["path"]).parent.name for verdict in verdicts]
    labels = Counter(verdict["label"] for verdict in verdicts)
    strangers = set(truths) - set(verdicts[0]["probabilities"])
    if strangers:
        raise SystemExit(f"expected.py: the folders {sorted(strangers)} are no labels of this model")
    right = sum(verdict["label"] == truth for verdict, truth in zip(verdicts, truths))
    checksum = hashlib.sha256(model.read_bytes()).hexdigest()
    text = (
        "# SPDX-License-Identifier: Apache-2.0\n"
        f"# What the model does on {count} images that it hasn't seen; written by expected.py.\n"
        "# Where other images or another mix of labels are normal, measure on those.\n"
        f"# model: {checksum}\n"
        "groups:\n  - name: catdog_expected\n    rules:\n"
    )
    text += rule("catdog:expected_accuracy", right / count)
    for label in sorted(verdicts[0]["probabilities"]):
        text += rule("catdog:expected_label:share", labels[label] / count, ("label", label))
    text += "      # Share of the verdicts whose confidence is at most `le`.\n"
    for limit in LIMITS:
        share = sum(verdict["confidence"] <= float(limit) for verdict in verdicts) / count
        text += rule("catdog:expected_confidence:share", share, ("le", limit))
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="model file that gave the verdicts")
    sys.stdout.write(rules(sys.stdin.readlines(), parser.parse_args().model))


if __name__ == "__main__":
    main()
