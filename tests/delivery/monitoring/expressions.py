# SPDX-License-Identifier: Apache-2.0
"""Which metrics a PromQL expression names, and all expressions of the rule files."""

from __future__ import annotations

import re
from typing import Any

import yaml
from prometheus_server import MONITORING

WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "inf"}


def metrics_of(expression: str) -> set[str]:
    """The names of metrics: what is left of the identifiers without labels, functions and key words."""
    text = re.sub(r'"(\\.|[^"\\])*"', '""', expression)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", text)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    names = re.findall(r"(?<![\w.])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])", text)
    return {name for name in names if name.lower() not in WORDS}


def rules() -> list[dict[str, Any]]:
    found = []
    for path in sorted((MONITORING / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            found += group["rules"]
    return found
