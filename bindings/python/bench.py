# SPDX-License-Identifier: Apache-2.0
"""What the bindings cost: bench.py [IMAGE]. Both figures are of one run, rounds in turn, so that load hits all alike.

Overhead: the time of a call minus what the library itself reports for it (total_ms), so the C ABI counts as overhead.
Threads: calls a second of two Python threads over those of one; two processes show what the machine allows."""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

# The sources lie beside this file, without the extension: the installed package is meant.
sys.path = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]

import catdog  # noqa: E402

IMAGE = Path(__file__).resolve().parents[2] / "examples/images/dog/dog.jpg"
CALLS = 150
ROUNDS = 9


def overhead_us(classifier: catdog.Classifier, image: catdog.Image, calls: int) -> float:
    costs = []
    for _ in range(calls):
        start = time.perf_counter()
        prediction = classifier.classify(image)
        costs.append((time.perf_counter() - start) * 1e6 - prediction.timings.total_ms * 1e3)
    return statistics.median(costs)


def rate(workers: int, work: Callable[[], None]) -> float:
    threads = [threading.Thread(target=work) for _ in range(workers)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return workers * CALLS / (time.perf_counter() - start)


def serve(pipe: Connection, data: bytes) -> None:
    with catdog.Classifier(threads=1) as classifier:
        pipe.send("ready")
        while pipe.recv():
            for _ in range(CALLS):
                classifier.classify(data)
            pipe.send("done")


def process_rate(pipes: list[Connection]) -> float:
    start = time.perf_counter()
    for pipe in pipes:
        pipe.send(True)
    for pipe in pipes:
        pipe.recv()
    return len(pipes) * CALLS / (time.perf_counter() - start)


def main() -> None:
    data = Path(sys.argv[1] if len(sys.argv) > 1 else IMAGE).read_bytes()
    classifier = catdog.Classifier(threads=1)
    pixels = memoryview(bytes(128 * 128 * 3)).cast("B", (128, 128, 3))
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    for _ in range(2):
        mine, theirs = context.Pipe()
        context.Process(target=serve, args=(theirs, data), daemon=True).start()
        mine.recv()
        pipes.append(mine)

    def work() -> None:
        for _ in range(CALLS):
            classifier.classify(data)

    work()
    overheads: dict[str, list[float]] = {"bytes": [], "array": []}
    threads, processes = [], []
    for _ in range(ROUNDS):
        overheads["bytes"].append(overhead_us(classifier, data, CALLS))
        overheads["array"].append(overhead_us(classifier, pixels, CALLS))
        threads.append(rate(2, work) / rate(1, work))
        processes.append(process_rate(pipes) / process_rate(pipes[:1]))
    for pipe in pipes:
        pipe.send(False)
    for kind, values in overheads.items():
        print(f"overhead of a call, {kind}: median {statistics.median(values):.1f} us, best {min(values):.1f} us")
    for name, ratios in (("threads", threads), ("processes", processes)):
        print(f"two {name} / one: median {statistics.median(ratios):.2f}, best {max(ratios):.2f}")


if __name__ == "__main__":
    main()
