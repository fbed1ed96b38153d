#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over a compilation database and remembers what was clean.

A file takes ten seconds, so a clean result is kept under --cache, keyed by the compile command, the configuration and
clang-tidy's version, together with the checksums of the file and of each project header it includes. Findings are never
kept. Files that include libtorch's headers are left to the compiler's warnings: clang 14 can't read libtorch 1.13 as
C++20 (it instantiates libstdc++'s constexpr std::vector while c10::IValue is incomplete). They are named and counted.
Exit status: 0 clean, 1 findings.
"""
from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from typing import Any

Entry = dict[str, Any]  # of compile_commands.json


def sha256(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def output(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def compiler_arguments(entry: Entry) -> list[str]:
    """The compile command without launcher, compiler, output and dependency files."""
    words = entry["arguments"] if "arguments" in entry else shlex.split(entry["command"])
    first = next(i for i, word in enumerate(words) if word.startswith("-"))
    kept, skip = [], False
    for word in words[first:]:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MT", "-MQ"):
            skip = True
        elif word not in ("-c", "-MD", "-MMD") and word != entry["file"]:
            kept.append(word)
    return kept


def included_files(entry: Entry, clang: str) -> list[str]:
    """The file and all that it includes, as clang sees it; empty when that fails (clang-tidy then says why)."""
    driver = "g++" if entry["file"].endswith(".cpp") else "gcc"
    command = [clang, "--driver-mode=" + driver, *compiler_arguments(entry), "-w", "-M", entry["file"]]
    listing = subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        return []
    # make's syntax: "target: a b \", blanks inside a name are escaped; shlex reads it the same way.
    names = shlex.split(listing.stdout.replace("\\\n", " ").partition(":")[2])
    return sorted(os.path.normpath(os.path.join(entry["directory"], name)) for name in names)


class Linter:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.left_out = 0  # of the files known from an earlier run
        version = output([arguments.clang_tidy, "--version"]).stdout
        self.salt = version + sha256(os.path.join(arguments.root, ".clang-tidy"))

    def record_path(self, entry: Entry) -> str:
        key = json.dumps([self.salt, entry["directory"], entry["file"], compiler_arguments(entry)])
        return os.path.join(self.arguments.cache, hashlib.sha256(key.encode()).hexdigest() + ".json")

    def is_known_clean(self, entry: Entry) -> bool:
        try:
            with open(self.record_path(entry), encoding="utf-8") as file:
                record = json.load(file)
        except (OSError, ValueError):
            return False
        unchanged = bool(record) and all(sha256(path) == digest for path, digest in record["files"].items())
        self.left_out += bool(unchanged and record["left_out"])
        return unchanged

    def remember(self, entry: Entry, files: dict[str, str], left_out: bool = False) -> None:
        with open(self.record_path(entry), "w", encoding="utf-8") as file:
            json.dump({"files": files, "left_out": left_out}, file)

    def check(self, entry: Entry) -> tuple[Entry, float | None, str]:
        """Returns (entry, seconds, findings); seconds is None for a file that includes libtorch."""
        start = time.monotonic()
        # Taken before the check: a file edited meanwhile must be checked again.
        files = included_files(entry, self.arguments.clang)
        digests = {path: sha256(path) for path in files if path.startswith(self.arguments.root + os.sep)}
        if any(path.endswith("/c10/macros/Macros.h") for path in files):
            self.remember(entry, digests, left_out=True)
            return entry, None, ""
        command = [
            self.arguments.clang_tidy,
            "--quiet",
            "-p",
            self.arguments.build,
            "--extra-arg=-Wno-unknown-warning-option",
            entry["file"],
        ]
        result = output(command)
        if result.returncode == 0:
            if digests:
                self.remember(entry, digests)
            return entry, time.monotonic() - start, ""
        return entry, time.monotonic() - start, result.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="the project")
    parser.add_argument("--build", required=True, help="folder that holds compile_commands.json")
    parser.add_argument("--cache", required=True, help="folder for the results")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--clang", default="clang-14")
    parser.add_argument("--clang-tidy", default="clang-tidy-14")
    parser.add_argument("--only", help="file with one source path a line, relative to the project: check just these")
    arguments = parser.parse_args()

    with open(os.path.join(arguments.build, "compile_commands.json"), encoding="utf-8") as file:
        database = json.load(file)
    build = os.path.realpath(arguments.build) + os.sep
    entries: dict[str, Entry] = {}
    for entry in database:
        path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        if path.startswith(arguments.root + os.sep) and not path.startswith(build):
            entries.setdefault(path, entry)
    if arguments.only:
        with open(arguments.only, encoding="utf-8") as file:
            wanted = {os.path.join(arguments.root, line.rstrip("\n")) for line in file}
        entries = {path: entry for path, entry in entries.items() if path in wanted}

    os.makedirs(arguments.cache, exist_ok=True)
    linter = Linter(arguments)
    todo = [entry for entry in entries.values() if not linter.is_known_clean(entry)]
    print(f"clang-tidy: {len(entries)} files, {len(entries) - len(todo)} known from before", flush=True)
    failed, left_out = 0, linter.left_out
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for done, (entry, seconds, findings) in enumerate(pool.map(linter.check, todo), 1):
            name = os.path.relpath(os.path.join(entry["directory"], entry["file"]), arguments.root)
            if seconds is None:
                left_out += 1
                print(f"[{done}/{len(todo)}] {name}: left out, includes libtorch", flush=True)
                continue
            print(f"[{done}/{len(todo)}] {name} ({seconds:.0f} s)", flush=True)
            if findings:
                failed += 1
                print(findings, flush=True)
    if left_out:
        print(f"clang-tidy: {left_out} files left out, which include libtorch")
    if failed:
        print(f"clang-tidy: findings in {failed} files", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
