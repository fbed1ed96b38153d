# SPDX-License-Identifier: Apache-2.0
"""The running server against its own /openapi.json, with data that fits the document and data that doesn't."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import DOG, OUTPUT, Server

pytest.importorskip("schemathesis", reason="schemathesis is missing: scripts/contract_tests.sh installs it")

HERE = Path(__file__).resolve().parent
TOKEN = "contract-token"
SEED = os.environ.get("CATDOG_CONTRACT_SEED", "20240229")
EXAMPLES = os.environ.get("CATDOG_CONTRACT_EXAMPLES", "100")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(token=TOKEN) as running:
        yield running


def test_the_most_images_are_as_documented(server: Server) -> None:
    """One more than that is refused: without the limit in the document a request that fits it would be."""
    schema = json.loads(server.ask("/openapi.json")[1])["components"]["schemas"]["ImageJson"]
    most = schema["properties"]["images"]["maxItems"]
    image = base64.b64encode(DOG.read_bytes()).decode()
    for count, status in ((most, 200), (most + 1, 413)):
        body = json.dumps({"images": [image] * count}).encode()
        assert server.ask("/predict", body, {"Content-Type": "application/json"})[0] == status


# Schemathesis can't make a token that the service gave: 400 is the answer to what it makes up.
FORGED_TOKENS = """
[[operations]]
include-path = "/feedback"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "429", "5xx"]
"""


def run_schemathesis(server: Server, name: str, *arguments: str, parameters: str = "") -> str:
    """Its report; a failed check fails the test and is in build/contract/NAME.log with the request that shows it."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    config = Path(server.folder.name) / f"{name}.toml"
    config.write_text(f'hooks = "{HERE}/openapi_hooks.py"\n\n[parameters]\n{parameters}{FORGED_TOKENS}')
    command = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(config), "run"]
    command += [server.url + "/openapi.json", "--checks", "all", "--mode", "all", "--max-examples", EXAMPLES]
    command += ["--no-color", "--seed", SEED, "--request-timeout", "60", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, cwd=OUTPUT, env=environment, capture_output=True, text=True, timeout=550)
    (OUTPUT / f"{name}.log").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-4000:]
    assert server.process.poll() is None, "the server has ended"
    return done.stdout


def generated(report: str) -> int:
    found = re.search(r"(\d+) generated, \1 passed", report)
    assert found is not None, report[-2000:]
    return int(found.group(1))


def test_every_operation_does_as_documented(server: Server) -> None:
    model = json.loads(server.ask("/model")[1])
    names = f'"path.model" = "{model["name"]}"\n"path.version" = "{model["version"]}"\n'
    report = run_schemathesis(server, "openapi", "--exclude-path", "/admin/reload", parameters=names)
    assert generated(report) > 1000
    paths = json.loads(server.ask("/openapi.json")[1])["paths"]
    assert f"Tested: {len(paths) - 1}\n" in report  # One operation each; without administration.


def test_models_that_there_are_not(server: Server) -> None:
    report = run_schemathesis(server, "openapi_models", "--include-path-regex", "^/v2/models/")
    assert generated(report) > 100


def test_administration_does_as_documented(server: Server) -> None:
    report = run_schemathesis(
        server, "openapi_admin", "--include-path", "/admin/reload", "--url", server.admin_url,
        "-H", f"Authorization: Bearer {TOKEN}",
    )  # fmt: skip
    assert generated(report) > 3
