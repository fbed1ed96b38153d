# SPDX-License-Identifier: Apache-2.0
"""The figures of a model card, from what `catdog evaluate --json` measured and what the model file says of itself.

Writes them to a file of their own; with --into also between the lines `<!-- figures: begin -->` and
`<!-- figures: end -->` of a card, where the rest is a person's.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from model_facts import description, sha256

BEGIN = "<!-- figures: begin -->"
END = "<!-- figures: end -->"


def percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def figure(value: float | None) -> str:
    """A class that was never said has no precision."""
    return "–" if value is None else f"{value:.3f}"


def measured(evaluation: dict[str, Any]) -> list[str]:
    labels = evaluation["labels"]
    low, high = evaluation["accuracy_ci95"]
    row = [
        f"{evaluation['pictures']:,}",
        f"{percent(evaluation['accuracy'])} ({100 * low:.2f}–{100 * high:.2f})",
        figure(evaluation["auc"]),
        figure(evaluation["ece"]),
    ]
    for label in labels:
        figures = evaluation["classes"][label]
        row.append(" / ".join(figure(figures[name]) for name in ("precision", "recall", "f1")))
    head = [
        "pictures",
        "accuracy (95 % interval)",
        "AUC",
        "ECE",
        *(f"{label} precision / recall / F1" for label in labels),
    ]
    rows = [head, ["---"] * len(head), row]
    confusion = [["truth", *(f"said {label}" for label in labels)], ["---"] * (len(labels) + 1)]
    confusion += [[label, *map(str, counts)] for label, counts in zip(labels, evaluation["confusion"], strict=True)]
    return [*map(table_row, rows), "", *map(table_row, confusion)]


def table_row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def figures(model: Path, evaluation: dict[str, Any]) -> str:
    checksum = sha256(model)
    used = evaluation["model"]
    if used["sha256"] != checksum:
        raise ValueError(
            f"the evaluation is of another model ({used['sha256']}) than {model} ({checksum}): evaluate again"
        )
    facts = description(model)
    provenance = facts["provenance"]
    counts = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in provenance["pictures"].items())
    options = ", ".join(f"{name} {value}" for name, value in provenance["options"].items() if value != "")
    lines = [
        BEGIN,
        f"Model `{facts['name']}` {facts['version']}, {model.stat().st_size:,} bytes, SHA-256 `{checksum}`;",
        f"{provenance['trainer']}, libtorch {provenance['libtorch']}.",
        "",
        f"Pictures: {counts}.",
        "",
        f"Options: {options}.",
        "",
        f"Measured with the {used['engine']} engine in {used['precision']}:",
        "",
        *measured(evaluation),
        END,
    ]
    return "\n".join(lines) + "\n"


def put_into(card: Path, text: str) -> None:
    content = card.read_text()
    if content.count(BEGIN) != 1 or content.count(END) != 1 or content.index(BEGIN) > content.index(END):
        raise ValueError(f"{card} needs one line '{BEGIN}' and after it one line '{END}', where the figures go")
    before = content[: content.index(BEGIN)]
    after = content[content.index(END) + len(END) + 1 :]
    card.write_text(before + text + after)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True, help="what catdog evaluate --json printed")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--into", type=Path, help="a model card to bring up to date")
    options = parser.parse_args()
    try:
        text = figures(options.model, json.loads(options.evaluation.read_text()))
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text)
        if options.into is not None:
            put_into(options.into, text)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        print(f"card.py: {error!r}" if isinstance(error, KeyError) else f"card.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
