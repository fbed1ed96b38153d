# SPDX-License-Identifier: Apache-2.0
"""The first hour: python first_hour.py FOLDER OUTPUT.

Labels every image below FOLDER and writes a table. Where FOLDER's sub-folders are named after the labels, also measures
the model on them and writes a report with figures, curves and the worst mistakes."""

import collections
import csv
import sys
from pathlib import Path

import catdog

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif"}


def main() -> int:
    folder, output = Path(sys.argv[1]), Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    images = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not images:
        print(f"{folder}: no images", file=sys.stderr)
        return 1

    # Rows as dictionaries: pandas.DataFrame(rows) would take them as well.
    with catdog.Classifier() as classifier:
        labels = classifier.labels
        rows = [prediction.to_dict() for _, prediction in classifier.classify_stream(images)]
    fields = max(rows, key=len).keys()  # An image that failed has fewer.
    with open(output / "table.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(rows)
    answers = collections.Counter(row["answer"] or row["status"] for row in rows)
    print(f"{len(rows)} images:", ", ".join(f"{answer} {count}" for answer, count in answers.most_common()))

    if {path.name.lower() for path in folder.iterdir() if path.is_dir()} >= set(labels):
        figures = catdog.evaluate(folder, report=output / "report.html")
        print(f"accuracy {figures['accuracy']:.3f}; {output / 'report.html'} shows the mistakes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
