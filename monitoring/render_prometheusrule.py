#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes monitoring/rules as the PrometheusRule of k8s/components/prometheus-operator. --check only compares."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import]

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "k8s/components/prometheus-operator/prometheusrule.yaml"
NAME = "cats-dogs-classifier"


def manifest() -> dict[str, Any]:
    groups: list[dict[str, Any]] = []
    for path in sorted((ROOT / "monitoring/rules").glob("*.yml")):
        groups += yaml.safe_load(path.read_text())["groups"]
    for group in groups:
        for rule in group["rules"]:
            if "alert" in rule:
                # Sums over all instances have no namespace left. The operator routes an alert by it to the
                # AlertmanagerConfig of that namespace.
                rule["labels"] = {**rule["labels"], "namespace": NAME}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": NAME, "labels": {"release": "kube-prometheus-stack"}},
        "spec": {"groups": groups},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 if the file isn't what would be written")
    settings = parser.parse_args()
    text = "# SPDX-License-Identifier: Apache-2.0\n"
    text += "# Written by monitoring/render_prometheusrule.py from monitoring/rules.\n"
    text += yaml.safe_dump(manifest(), sort_keys=False, width=1000)
    if settings.check:
        if TARGET.exists() and TARGET.read_text() == text:
            return 0
        print(f"{TARGET.name} is older than monitoring/rules: run monitoring/render_prometheusrule.py", file=sys.stderr)
        return 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
