#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""catdog-server next to FastAPI + PyTorch: same images, weights, cores and load generator, alternating in one run.

python3 -m venv build/peer-venv
build/peer-venv/bin/pip install -r bench/peers/fastapi/requirements.txt
bench/peers/run.py --build build/dev --python build/peer-venv/bin/python
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(
    command: list[str], path: str, port: int, model: Path, folder: Path, log: Path, tuned: bool = True
) -> Iterator[int]:
    """The server under that command, from when `path` answers until the end of the block."""
    environment = dict(os.environ, MODEL_PATH=str(model), PEER_TUNED="1" if tuned else "0")
    if tuned:
        environment["OMP_NUM_THREADS"] = "1"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out) as server,
    ):
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                    break
                if server.poll() is not None:
                    raise RuntimeError(f"{command[0]} ended: {log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.1)
            else:
                raise RuntimeError(f"{command[0]} doesn't answer")
            yield port
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def main() -> int:
    """Prints the ratio; 1 when the labels differ or an image got no answer."""
    parser = argparse.ArgumentParser(description="catdog-server next to FastAPI + PyTorch, alternating in one run")
    parser.add_argument("--build", type=Path, required=True, help="build folder with catdog-server and the bench")
    parser.add_argument("--python", type=Path, required=True, help="Python of the peer's virtual environment")
    parser.add_argument("--model", type=Path, default=ROOT / "models/best_model.pt")
    parser.add_argument("--pictures", dest="images", type=Path, default=ROOT / "examples/images")
    parser.add_argument("--workers", type=int, default=2, help="of each server")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement")
    parser.add_argument("--untuned", action="store_true", help="the peer as such services are mostly found")
    settings = parser.parse_args()
    bench = settings.build.absolute() / "bench/service/catdog_service_bench"

    def measure(ports: list[int], seconds: float) -> dict[str, Any]:
        command = [str(bench), "--form", "--against", *map(str, ports), "--pictures", str(settings.images.absolute())]
        command += ["--connections", str(settings.connections), "--seconds", str(seconds)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"not every image was classified: {done.stdout[:300]}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        port = free_port()
        own = [str(settings.build.absolute() / "service/catdog-server"), "--port", str(port), "--admin-port", "0"]
        own += ["--workers", str(settings.workers), "--grace-ms", "0"]
        model = settings.model.absolute()
        ours = [stack.enter_context(serving(own, "/health", port, model, ROOT, Path(scratch) / "own.log"))]
        theirs = []
        # Tuned, a process and a port for each worker: of several on one port the first to wake takes all connections.
        for number in range(1 if settings.untuned else settings.workers):
            port = free_port()
            peer = [str(settings.python.absolute()), "-m", "uvicorn", "app:app", "--host", "127.0.0.1"]
            peer += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
            peer += ["--workers", str(settings.workers)] if settings.untuned else []
            folder, log = ROOT / "bench/peers/fastapi", Path(scratch) / f"peer{number}.log"
            served = serving(peer, "/health", port, model, folder, log, tuned=not settings.untuned)
            theirs.append(stack.enter_context(served))
        for warm in (ours, theirs):
            measure(warm, settings.seconds)
        rates: list[tuple[float, float]] = []
        labels: dict[str, dict[str, str]] = {"ours": {}, "peer": {}}
        for _ in range(settings.repetitions):
            first = measure(ours, settings.seconds)
            second = measure(theirs, settings.seconds)
            rates.append((first["pictures_per_second"], second["pictures_per_second"]))
            labels["ours"].update(first["labels"])
            labels["peer"].update(second["labels"])
    ratios = sorted(a / b for a, b in rates)
    print(f"catdog-server {statistics.median(a for a, _ in rates):.1f} images/s")
    print(f"FastAPI + PyTorch {statistics.median(b for _, b in rates):.1f} images/s")
    print(f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    both = labels["ours"].keys() & labels["peer"].keys()
    different = sorted(name for name in both if labels["ours"][name] != labels["peer"][name])
    print(f"labels: {len(both) - len(different)} of {len(both)} equal; different: {', '.join(different) or 'none'}")
    return 1 if different or not both else 0


if __name__ == "__main__":
    sys.exit(main())
