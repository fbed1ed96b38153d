#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles and runs each code block of a Markdown file, and each command in it.

A C, C++ or Rust block is a program if it has a main(), else a fragment that is put into one (preludes.py). A comment
line right above a block, which a reader doesn't see, says what it needs:
    <!-- snippet: data=model|image|frame -->  what `data` of a fragment in C points to; image when nothing is said
    <!-- snippet: opens -->                     the fragment opens `classifier` itself
    <!-- snippet: elsewhere: WHO -->            run by something else, which is named
Commands run one line after the other in a folder that has what the documentation speaks of. A block without a language
is not run. Fails when a block does, or when the file has no block at all that was run or named.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import preludes

sys.path.append(str(Path(__file__).resolve().parents[1] / "support/python"))
from pets import write_pets  # noqa: E402

BLOCK = re.compile(
    r"(?:^<!-- snippet: (?P<note>.*?) -->\n)?^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.S | re.M
)


class Runner:
    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self.root = arguments.root.resolve()
        self.build = arguments.build.resolve()
        self.library = arguments.library.resolve()
        self.compilers = {"c": [arguments.cc, "-std=c99"], "cpp": [arguments.cxx, "-std=c++17"]}
        self.sanitize = arguments.sanitize
        self.python = ""
        self.folder = folder
        self.model = self.root / "models/best_model.pt"
        self.cat = self.root / "examples/images/cat/chelsea.png"
        self.dog = self.root / "examples/images/dog/dog.jpg"

    def prepare(self, page: Path) -> None:
        """The files that the commands and fragments name."""
        for name in ("holiday", "images/cat", "images/dog", "models", "photos"):
            (self.folder / name).mkdir(parents=True)
        for target in ("pet.jpg", "holiday/a.jpg", "images/dog/a.jpg", "photos/a.jpg", "dog.jpg"):
            shutil.copy(self.dog, self.folder / target)
        for target in ("images/cat/a.png", "photos/b.png", "cat.png", "cat.jpg"):
            shutil.copy(self.cat, self.folder / target)
        for target in ("best_model.pt", "models/best_model.pt"):
            shutil.copy(self.model, self.folder / target)
        if page.name == "train-your-own.md":
            write_pets(self.folder / "pets", 40)
        (self.folder / "frame").write_bytes(bytes([128]) * ((640 * 3 + 64) * 480))

    def start(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        tools = [self.build / "tools", self.build / "training", self.build / "service"]
        environment = dict(os.environ, CATDOG_MODEL=str(self.model), PYTHONPATH=str(self.build / "python"))
        environment["LD_LIBRARY_PATH"] = str(self.library.parent)  # As where the library is installed.
        environment["PATH"] = os.pathsep.join([*map(str, tools), environment["PATH"]])
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    def run(self, command: list[str], what: str) -> str:
        done = self.start(command)
        if done.returncode != 0:
            raise SystemExit(f"{what}: status {done.returncode} of {command[0]}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def code(self, language: str, text: str, note: str, what: str) -> None:
        program = "main(" in text
        if not program:
            text = (preludes.C if language == "c" else preludes.CPP).replace("@FRAGMENT@", text)
        source = self.folder / f"snippet.{language}"
        source.write_text(text, encoding="utf-8")
        flags = ["-Wall", "-Wextra", "-pedantic", "-Werror", f"-I{self.root}/include", f"-I{self.build}/include"]
        opens = note == "opens" or note.endswith(" opens")
        flags += ["-DSNIPPET_OPENS"] if opens else []
        flags += ["-DSNIPPET_NO_RESULT"] if opens or "&result" not in text else []
        flags += [f"-fsanitize={self.sanitize}"] if self.sanitize else []
        link = [str(self.library), f"-Wl,-rpath,{self.library.parent}", "-pthread", "-o", "snippet"]
        self.run([*self.compilers[language], *flags, source.name, *link], what)
        kind = re.search(r"data=(\w+)", note)
        data = {"model": "best_model.pt", "image": "cat.png", "frame": "frame"}[kind[1] if kind else "image"]
        if program:
            self.program(what)
        else:
            self.run(["./snippet", data, "cat.png", "best_model.pt"], what)

    def program(self, what: str) -> None:
        """A whole program classifies the file that it is given, and names the one that isn't there."""
        for label, image in {"cat": "cat.png", "dog": "dog.jpg"}.items():
            output = self.run(["./snippet", image], what)
            if not re.search(rf"\b{label} (0\.\d+|1(\.0+)?)\n", output):
                raise SystemExit(f"{what}: expected '{label}' and a probability for {image}, got '{output}'")
        done = self.start(["./snippet", "no-such-file.jpg"])
        if done.returncode != 1 or "no-such-file.jpg" not in done.stderr or done.stdout:
            raise SystemExit(
                f"{what}: a missing file: status {done.returncode} (expected 1), standard error '{done.stderr}'"
                f" (should name the file), output '{done.stdout}' (expected none)"
            )

    def commands(self, text: str, what: str) -> None:
        for line in text.replace("\\\n", " ").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                if not self.run(["bash", "-euo", "pipefail", "-c", line], f"{what}: {line}"):
                    raise SystemExit(f"{what}: {line}: no output")

    def block(self, language: str, text: str, note: str, what: str) -> str:
        if note.startswith("elsewhere: "):
            return note
        if language in ("c", "cpp"):
            self.code(language, text, note, what)
        elif language == "rust":
            if not shutil.which("rustc") or self.sanitize:
                return "not run: no rustc, or a sanitizer whose run-time Rust doesn't have"
            (self.folder / "snippet.rs").write_text(text, encoding="utf-8")
            folder = self.library.parent
            link = ["-L", f"native={folder}", "-C", f"link-arg=-Wl,-rpath,{folder}"]
            self.run(["rustc", "--edition", "2021", "-D", "warnings", *link, "-o", "snippet", "snippet.rs"], what)
            self.program(what)
        elif language == "sh":
            self.commands(text, what)
        elif language == "json":
            json.loads(text)
        elif language == "python":
            if not (self.build / "python/catdog").exists():
                return "not run: this build has no Python bindings"
            self.python += text  # A page is read from top to bottom.
            self.run([sys.executable, "-c", self.python], what)
        elif language in ("", "text"):
            return ""
        else:
            raise SystemExit(f"{what}: don't know how to run a block of {language}: say who does (snippet: elsewhere)")
        return "ran"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("root", "build", "library", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--cxx", default="c++")
    parser.add_argument("--sanitize", default="")
    parser.add_argument("page", type=Path)
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    arguments.work.mkdir(parents=True)
    runner = Runner(arguments, arguments.work.resolve())
    runner.prepare(arguments.page)
    text = arguments.page.read_text(encoding="utf-8")
    handled = 0
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("text"))
        what = f"{arguments.page.name}:{line}"
        outcome = runner.block(match["language"], match["text"], match["note"] or "", what)
        if outcome:
            handled += 1
            print(f"{what}: {match['language']}: {outcome}")
    if handled == 0:
        raise SystemExit(f"{arguments.page}: no code block was run")


if __name__ == "__main__":
    main()
