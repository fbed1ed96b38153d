#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends real images with true labels to the service and reports how fast and how right its answers are.

  simulate_performance.py --url http://127.0.0.1:8000 --data examples/images --rate 50 --duration 30
  simulate_performance.py --url … --data DIR --concurrency 8 --duration 60 --html load.html --min-accuracy 0.9

DIR has a folder of images for each label of the model (cat, dog). --rate is an open loop: requests are meant to start
at that rate however slow the service is, and latency counts from the intended start. --concurrency is a closed loop.
Exit code 0: all thresholds hold; 1: one is broken, or there was no good answer; 2: wrong arguments, no service or no
images; 130: ended by SIGINT or SIGTERM (the reports are written all the same).
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import math
import os
import signal
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from performance.client import Connection
from performance.figures import summary
from performance.html_report import render
from performance.live import Progress, metrics_server
from performance.load import Clock, Load, Target
from performance.pictures import read_pictures
from performance.record import Recorder
from performance.schedule import ClosedLoop, OpenLoop, Schedule
from performance.thresholds import THRESHOLDS, add_threshold_options, judge


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--url", default=os.environ.get("SERVICE_URL", ""), help="default: the environment's SERVICE_URL"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="one folder of images for each label")
    loop = parser.add_mutually_exclusive_group(required=True)
    loop.add_argument("--rate", type=float, metavar="R", help="open loop: requests a second")
    loop.add_argument("--concurrency", type=int, metavar="C", help="closed loop: connections that always wait for one")
    parser.add_argument("--duration", type=float, required=True, metavar="SECONDS", help="in which requests start")
    parser.add_argument("--warm-up", type=float, default=0, metavar="SECONDS", help="of it that the figures leave out")
    parser.add_argument("--arrivals", choices=("poisson", "constant"), default="poisson", help="of the open loop")
    parser.add_argument(
        "--connections", type=int, default=64, metavar="N", help="of the open loop at most (default 64)"
    )
    parser.add_argument("--timeout", type=float, default=30, metavar="SECONDS", help="of a request (default 30)")
    parser.add_argument("--deadline-ms", type=int, default=0, metavar="MS", help="X-Request-Timeout-Ms to ask for")
    parser.add_argument("--max-pictures", type=int, default=2000, metavar="N", help="to hold in memory (default 2000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of arrivals and order (default 0)")
    parser.add_argument("--feedback", action=argparse.BooleanOptionalAction, default=True, help="send the true labels")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report with plots there")
    parser.add_argument("--metrics-port", type=int, metavar="N", help="own figures for Prometheus; 0 = any free port")
    parser.add_argument("--metrics-address", default="127.0.0.1", metavar="A", help="to serve them on (127.0.0.1)")
    add_threshold_options(parser)
    options = parser.parse_args(arguments)
    connections = options.connections if options.concurrency is None else options.concurrency
    finite = [getattr(options, threshold.key) or 0.0 for threshold in THRESHOLDS]
    checks = {
        "no URL of a service: give --url or set SERVICE_URL": options.url.strip(),
        "--rate must be above 0": options.rate is None or 0 < options.rate <= 1e5,
        "--concurrency and --connections must be 1 to 1000": 1 <= connections <= 1000,
        "--duration must be above 0": 0 < options.duration < math.inf,
        "--warm-up must be less than --duration": 0 <= options.warm_up < options.duration,
        "--timeout must be above 0": 0 < options.timeout < math.inf,
        "--deadline-ms must not be negative": options.deadline_ms >= 0,
        "--max-pictures must be at least 2": options.max_pictures >= 2,
        "thresholds must be numbers": all(math.isfinite(value) for value in finite),
    }
    for message, good in checks.items():
        if not good:
            parser.error(message)
    return options


def ask_model(url: str, timeout: float) -> dict[str, Any]:
    """What GET /model says; the service must be there before it is put under load."""
    connection = Connection(url, timeout)
    try:
        reply = connection.ask("GET", "/model")
    except (OSError, http.client.HTTPException) as failure:
        raise ValueError(f"no answer from {url}/model: {failure}") from None
    finally:
        connection.close()
    if reply.status != 200:
        raise ValueError(f"{reply.status} from {url}/model: {reply.body[:200].decode(errors='replace')}")
    model = reply.json()
    if not isinstance(model, dict) or not isinstance(model.get("labels"), list):
        raise ValueError(f"{url}/model names no labels; is that the service?")
    return {key: model.get(key) for key in ("name", "version", "sha256", "engine", "precision", "labels")}


def describe(report: dict[str, Any]) -> str:
    """The report in a few lines."""
    requests, model = report["requests"], report["model_scores"]
    lines = [f"{requests['good']} of {requests['meant']} requests good, {report['throughput_per_s']} a second"]
    lines.append("outcomes: " + ", ".join(f"{name}: {count}" for name, count in requests["outcomes"].items()))
    for kind, figures in report["latency_ms"].items():
        if figures:
            shown = "  ".join(f"{name} {figures[name]}" for name in ("p50", "p90", "p95", "p99", "max"))
            lines.append(f"latency {kind.replace('_', ' ')}, ms: {shown}")
    lines.append(f"accuracy {model['accuracy']}  macro F1 {model['macro_f1']}  abstained {model['abstained']}")
    for label, row in zip(model["labels"], model["confusion"]):
        score = "  ".join(f"{name} {value}" for name, value in model["by_label"][label].items())
        called = ", ".join(f"{count} called {name}" for name, count in zip(model["labels"], row))
        lines.append(f"  {label}: {called}  {score}")
    lines.append("feedback: " + (", ".join(f"{status}: {n}" for status, n in report["feedback"].items()) or "none"))
    for row in report["thresholds"]:
        lines.append(f"{'holds ' if row['holds'] else 'BROKEN'}  {row['name']} {row['limit']:g}: {row['value']}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    try:
        model = ask_model(options.url, options.timeout)
        pictures = read_pictures(options.data, model["labels"], options.max_pictures, options.seed)
    except (OSError, ValueError) as failure:
        print(f"simulate_performance.py: {failure}", file=sys.stderr)
        return 2
    began = datetime.now(timezone.utc).isoformat(timespec="seconds")
    recorder, clock, interrupted = Recorder(), Clock(), False
    progress = Progress(recorder, clock, options.duration)
    target = Target(options.url, options.timeout, options.deadline_ms, options.feedback)
    with contextlib.ExitStack() as stack:
        if options.metrics_port is not None:
            try:
                served = metrics_server(recorder, options.metrics_address, options.metrics_port)
                port = stack.enter_context(served)
            except (OSError, OverflowError) as failure:
                print(f"simulate_performance.py: --metrics-port {options.metrics_port}: {failure}", file=sys.stderr)
                return 2
            print(f"metrics: http://{options.metrics_address}:{port}/metrics", file=sys.stderr, flush=True)
        schedule: Schedule
        if options.rate is not None:
            schedule = OpenLoop(options.rate, options.duration, options.arrivals == "poisson", options.seed)
        else:
            schedule = ClosedLoop(options.duration, clock.now)
        connections = options.concurrency or options.connections
        load = Load(target, pictures, recorder, clock)
        # A shell's background jobs ignore Ctrl-C's signal unless told otherwise.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        try:
            load.run(schedule, connections, options.duration + options.timeout, progress.draw)
        except KeyboardInterrupt:
            interrupted = True
        progress.end()
    reached = min(options.duration, clock.now()) if interrupted else options.duration
    report: dict[str, Any] = {
        "settings": {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()},
        "began": began,
        "interrupted": interrupted,
        "model": model,
        "pictures": len(pictures),
        **summary(recorder.samples, model["labels"], options.warm_up, max(reached, options.warm_up + 1e-3)),
        "feedback": dict(sorted(recorder.feedback.items())),
        "connections_opened": recorder.connections_opened,
    }
    report["thresholds"] = judge(report, options)
    report["passed"] = bool(report["requests"]["good"]) and all(row["holds"] for row in report["thresholds"])
    print(describe(report), flush=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if options.html:
        options.html.write_text(render(report), encoding="utf-8")
    if interrupted:
        return 130
    return 0 if report["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
