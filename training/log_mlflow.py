# SPDX-License-Identifier: Apache-2.0
"""Follows a run of catdog-train and logs it to an MLflow server: epochs while they come, the model at the end.

A program of its own beside the trainer, which knows nothing of it: no server and no lost server ever stops a training.
What couldn't be sent is still in the trainer's folder, so the same command once more goes on where the server's copy
ends. Exit code: 0 all is logged; 1 something is wrong with the run or the command; 3 the server can't be reached;
4 the training stopped before its end (what there was is logged).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mlflow_run import MlflowRun


def read_epochs(folder: Path, newer_than: float) -> list[dict[str, float]]:
    """The whole lines so far; the trainer may be within the next one."""
    try:
        if (folder / "metrics.jsonl").stat().st_mtime < newer_than:
            return []
        text = (folder / "metrics.jsonl").read_text()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def is_finished(folder: Path) -> bool:
    """The trainer writes evaluation.json last: one older than the last epoch is of the run before."""
    try:
        return (folder / "evaluation.json").stat().st_mtime_ns >= (folder / "metrics.jsonl").stat().st_mtime_ns
    except FileNotFoundError:
        return False


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def evaluate(options: argparse.Namespace) -> dict[str, Any] | None:
    """Confusion and figures of the test split: read, or measured now, or none."""
    if options.evaluation is not None:
        text = options.evaluation.read_text()
    elif options.data is not None:
        command = [os.environ.get("CATDOG_COMMAND", "catdog"), "evaluate", str(options.data), "--json", "--no-progress"]
        command += ["--list", str(options.run / "test.txt"), "--model", str(options.run / "best_model.pt")]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    else:
        return None
    result: dict[str, Any] = json.loads(text)
    return result


class Follower:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.run = MlflowRun(options.run, options.tracking_uri, options.experiment, options.registered_model)
        self.newer_than = time.time() if options.new else 0.0
        self.evaluation: dict[str, Any] | None = None
        self.logged: list[dict[str, float]] = []

    def follow(self) -> int:
        outage = 0.0
        heard = time.monotonic()
        if not read_epochs(self.options.run, self.newer_than):
            say(f"waiting for the first epoch in {self.options.run}")
        while True:
            stopped = self.options.pid > 0 and not is_running(self.options.pid)
            epochs = read_epochs(self.options.run, self.newer_than)
            if self.logged and epochs[: len(self.logged)] != self.logged:
                raise ValueError("the trainer has begun anew in this folder: start another follower with --new")
            if len(epochs) > len(self.logged):
                heard = time.monotonic()
            finished = bool(epochs) and is_finished(self.options.run)
            stopped = not finished and (stopped or time.monotonic() - heard > self.options.idle)
            if finished and self.evaluation is None:
                self.evaluation = evaluate(self.options)
            try:
                self.send(epochs, finished, stopped)
                outage = 0.0
            except Exception as error:
                if not self.run.is_outage(error):
                    raise
                if outage == 0.0:
                    outage = time.monotonic()
                    say(f"the MLflow server {self.options.tracking_uri} doesn't answer ({brief(error)}); trying again")
                if time.monotonic() - outage >= self.options.give_up:
                    say(f"gave up on {self.options.tracking_uri} after {self.options.give_up:g} s; nothing is lost and")
                    say("the training isn't touched: the same command once more (without --new) sends what is missing")
                    return 3
            else:
                if finished:
                    return 0
                if stopped:
                    say(f"no more of catdog-train after epoch {len(epochs)}; the run is marked as KILLED")
                    return 4
            time.sleep(self.options.poll)

    def send(self, epochs: list[dict[str, float]], finished: bool, stopped: bool) -> None:
        if not epochs:
            if stopped:
                raise ValueError(f"no epoch in {self.options.run}: is that where catdog-train writes to (--output)?")
            return
        self.run.connect(epochs[0])
        if len(epochs) > len(self.logged):
            self.run.log_epochs(epochs)
            self.logged = epochs
        if finished:
            self.run.log_result(epochs, self.evaluation)
            print(f"logged {len(epochs)} epochs and the model to run {self.run.run_id} of {self.options.tracking_uri}")
        elif stopped:
            self.run.log_stopped()


def brief(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__


def say(message: str) -> None:
    print(f"log_mlflow.py: {message}", file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="the folder that catdog-train writes to (its --output)")
    parser.add_argument(
        "--tracking-uri", default=os.environ.get("MLFLOW_TRACKING_URI"), help="default: the environment"
    )
    parser.add_argument("--experiment", default="cats-dogs-classifier")
    parser.add_argument("--registered-model", default="cats-dogs-classifier", help="'' registers none")
    measured = parser.add_mutually_exclusive_group()
    measured.add_argument(
        "--evaluation", type=Path, help="what catdog evaluate --json printed, for the confusion matrix"
    )
    measured.add_argument("--data", type=Path, help="class folders: evaluates the test split itself, at the end")
    parser.add_argument("--new", action="store_true", help="only a run that writes its first epoch from now on")
    parser.add_argument("--pid", type=int, default=0, help="the trainer's process: when it ends early, so does this")
    parser.add_argument("--idle", type=float, default=7200, help="seconds without an epoch after which it has stopped")
    parser.add_argument("--give-up", type=float, default=600, help="seconds to go on asking a server that is away")
    parser.add_argument("--poll", type=float, default=2, help="seconds between two looks")
    options = parser.parse_args()
    if not options.tracking_uri:
        parser.error("no server: give --tracking-uri or set MLFLOW_TRACKING_URI")
    return options


def main() -> int:
    options = arguments()
    try:
        return Follower(options).follow()
    except ModuleNotFoundError as error:
        say(f"{error.name} is missing: pip install -r tests/delivery/experiments/requirements.txt")
    except subprocess.CalledProcessError as error:
        say(f"catdog evaluate failed: {error.stderr.strip()}")
    except Exception as error:  # mlflow's own kinds are only known where it is installed
        say(f"{type(error).__name__}: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
