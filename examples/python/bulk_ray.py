# SPDX-License-Identifier: Apache-2.0
"""Classifies a folder of images, or a Parquet with a column `bytes`, on a Ray cluster (pip install 'ray[data]'):
python bulk_ray.py SOURCE OUTPUT [--workers N] [--compare]. Writes Parquet: what came with an image, and a verdict."""

import argparse
import time
from pathlib import Path
from typing import Any

import catdog
import ray
import ray.data


class Classify:
    """An actor for each worker; opens the model once, and uses one thread because there are other workers."""

    def __init__(self) -> None:
        self.classifier = catdog.Classifier(threads=1)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        predictions = self.classifier.classify_batch(list(batch.pop("bytes")))
        batch["status"] = [prediction.status for prediction in predictions]  # A broken image stops nothing.
        batch["answer"] = [prediction.answer for prediction in predictions]
        batch["trust"] = [prediction.trust for prediction in predictions]
        batch["label"] = [prediction.label for prediction in predictions]
        batch["confidence"] = [prediction.confidence for prediction in predictions]
        return batch


def read(source: Path) -> Any:
    if source.suffix == ".parquet" or any(source.glob("*.parquet")):
        return ray.data.read_parquet(str(source))
    return ray.data.read_binary_files(str(source), include_paths=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Classifies many images on Ray Data")
    parser.add_argument("source", type=Path, help="folder of images, Parquet file, or folder of those")
    parser.add_argument("output", type=Path, help="folder for the results")
    parser.add_argument("--workers", type=int, default=2, help="actors that classify (default: %(default)s)")
    parser.add_argument("--compare", action="store_true", help="classify in a plain loop as well, and compare")
    options = parser.parse_args()
    images = read(options.source).materialize()  # Read before the clock starts, as for the loop.

    started = time.perf_counter()
    actors = ray.data.ActorPoolStrategy(size=options.workers)
    verdicts = images.map_batches(Classify, batch_size=64, compute=actors, num_cpus=1).materialize()
    rate = images.count() / (time.perf_counter() - started)
    verdicts.write_parquet(str(options.output))
    print(f"{images.count()} images, {rate:.0f} a second with {options.workers} workers")
    if options.compare:
        encoded = [row["bytes"] for row in images.iter_rows()]
        with catdog.Classifier(threads=1) as classifier:
            started = time.perf_counter()
            classifier.classify_batch(encoded)
        loop = len(encoded) / (time.perf_counter() - started)
        print(f"{loop:.0f} a second in a plain loop; Ray / loop = {rate / loop:.2f}")


if __name__ == "__main__":
    main()
