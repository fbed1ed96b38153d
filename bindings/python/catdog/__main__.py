# SPDX-License-Identifier: Apache-2.0
"""python -m catdog photo.jpg: a small version of the catdog command."""

from __future__ import annotations

import argparse
import json
import os
import sys

from . import Classifier, Error, Prediction, __version__


def _row(path: str, prediction: Prediction) -> str:
    if not prediction.ok:
        return f"{path}: {prediction.status}: {prediction.message}"
    return f"{path}: {prediction.answer} {prediction.trust:.3f}"


def main(arguments: list[str] | None = None) -> int:
    """0: every image was classified; 1: some were not; 2: wrong usage; 3: the model can't be opened."""
    parser = argparse.ArgumentParser(prog="python -m catdog", description="Tells cats from dogs in photos.")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="JPEG, PNG, WebP or GIF file")
    parser.add_argument("--model", help="model file, or a shipped model's name (default: $CATDOG_MODEL, or best_model)")
    parser.add_argument("--threads", type=int, default=0, help="images at once (default: the CPU quota)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--version", action="version", version=f"catdog {__version__}")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout.encoding, str) and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # Names of files can be anything.
    try:
        classifier = Classifier(options.model, threads=options.threads)
    except Error as error:
        print(f"catdog: {error}", file=sys.stderr)
        return 3
    with classifier:
        predictions = classifier.classify_batch(options.images)
    try:
        for path, prediction in zip(options.images, predictions):
            print(json.dumps({"path": path, **prediction._asdict()}) if options.json else _row(path, prediction))
        sys.stdout.flush()
    except BrokenPipeError:  # The reader has had enough; and Python must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0 if all(prediction.ok for prediction in predictions) else 1


if __name__ == "__main__":
    sys.exit(main())
