# SPDX-License-Identifier: Apache-2.0
"""Classifies the files named on the command line: python classify.py IMAGE..."""

import sys

import catdog


def main() -> int:
    failures = 0
    with catdog.Classifier() as classifier:
        for path in sys.argv[1:]:
            try:
                prediction = classifier.classify(path)
            except catdog.Error as error:  # Its subclasses tell the reasons apart.
                print(f"{path}: {error}", file=sys.stderr)
                failures += 1
                continue
            print(f"{path}: {prediction.answer} {prediction.trust:.3f}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
