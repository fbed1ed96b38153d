# SPDX-License-Identifier: Apache-2.0
"""curves.py METRICS.JSONL OUTPUT.CSV: the trainer's lines as a table, since `dvc plots` reads no JSON lines."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    lines = Path(sys.argv[1]).read_text().splitlines()
    epochs = [json.loads(line) for line in lines]
    if not epochs:
        print(f"curves.py: {sys.argv[1]} has no epoch: did catdog-train finish?", file=sys.stderr)
        return 1
    with Path(sys.argv[2]).open("w", newline="") as output:
        table = csv.DictWriter(output, fieldnames=list(epochs[0]))
        table.writeheader()
        table.writerows(epochs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
