# SPDX-License-Identifier: Apache-2.0
"""Dockerfile, its context, docker-compose.yml and scripts/build_image.sh, without building anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from harness import SOURCE

DOCKERFILE = SOURCE / "service" / "Dockerfile"
COMPOSE = SOURCE / "docker-compose.yml"
BUILD = SOURCE / "scripts" / "build_image.sh"
SHA = re.compile("[0-9a-f]{40}")


def tool(name: str) -> str:
    """A command of this test's virtual environment, or of the machine."""
    own = Path(sys.prefix) / "bin" / name
    found = str(own) if own.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is missing: scripts/delivery_tests.sh image installs it")
    return found


def test_hadolint_finds_nothing() -> None:
    result = subprocess.run([tool("hadolint"), str(DOCKERFILE)], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")


def test_what_the_runtime_needs_is_said_once() -> None:
    """The Dockerfile asks scripts/setup.sh; what it names besides is what only the image's runtime has."""
    text = DOCKERFILE.read_text()
    assert "/run/scripts/setup.sh --runtime" in text and "scripts/setup.sh --service" in text
    setup = (SOURCE / "scripts" / "setup.sh").read_text()
    roles = {
        name: set(re.findall(r"[a-z][a-z0-9.+-]+", re.sub("#.*", "", body)))
        for name, body in re.findall(r"^(runtime|build|service|torch)=\((.*?)^\)", setup, re.MULTILINE | re.DOTALL)
    }
    named = set(re.findall(r"\b(?:lib[a-z0-9.+-]+|[a-z-]+-dev)\b", "\n".join(re.findall("install -y.*", text))))
    assert set(roles) == {"runtime", "build", "service", "torch"}
    assert named and named & set().union(*roles.values()) == set()


def let_through(path: str) -> bool:
    """.dockerignore: the last line that fits decides."""
    sent = True
    for line in (SOURCE / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        parts = path.split("/")
        prefixes = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        if any(fnmatch(prefix, pattern) and prefix.count("/") == pattern.count("/") for prefix in prefixes):
            sent = line.startswith("!")
        elif pattern.startswith("**/") and pattern[3:] in parts:
            sent = line.startswith("!")
    return sent


def test_the_context_is_the_sources_and_the_model() -> None:
    for path in (
        ".git/config",
        ".env",
        "build/dev/x",
        "tests/CMakeLists.txt",
        "examples/c/x.c",
        "k8s/x",
        "training/x.py",
        "service/__pycache__/x.pyc",
        "models/other.pt",
        ".ci/run",
        "scripts/lint.sh",
    ):
        assert not let_through(path), path
    for path in (
        "CMakeLists.txt",
        "lib/CMakeLists.txt",
        "service/src/main.cpp",
        "examples/images/dog/dog.jpg",
        "scripts/setup.sh",
        # MODEL_PATH=simple_cnn takes a model by its name.
        *(path.relative_to(SOURCE).as_posix() for path in (SOURCE / "models").glob("*.pt")),
    ):
        assert let_through(path), path


def test_deployment_knows_all_that_gets_into_an_image() -> None:
    """scripts/deploy.py rolls nothing out when none of it has changed."""
    lines = (SOURCE / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    listed = re.search(r"^IMAGE_SOURCES = \((.*?)^\)", (SOURCE / "scripts/deploy.py").read_text(), re.M | re.S)
    assert listed and set(listed[1].replace('"', " ").split()) == sent | {".dockerignore"}


# --- docker-compose.yml


def compose() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="PyYAML is missing (on Debian: apt-get install python3-yaml)")
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def test_compose_follows_the_schema(tmp_path: Path) -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    result = subprocess.run([*command, str(COMPOSE)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("read_only:", "readonly:"))
    assert subprocess.run([*command, str(wrong)], capture_output=True).returncode == 1


def test_compose_has_all_and_mlflow_only_when_asked_for() -> None:
    services = compose()["services"]
    assert {name: entry.get("profiles") for name, entry in services.items()} == {
        "cats-dogs-api": None,
        "prometheus": None,
        "alertmanager": None,
        "grafana": None,
        "mlflow": ["experiments"],
    }
    for name, entry in services.items():
        if "build" not in entry:
            assert re.search(r":v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?$", entry["image"]), f"{name}: no pinned tag"
            assert entry["healthcheck"]["test"][0] == "CMD", name
        assert all(port.startswith("127.0.0.1:") for port in entry["ports"]), f"{name} is open to the network"
        assert entry["cap_drop"] == ["ALL"]
        for other, how in entry.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"} and other in services
    # The service's health check is the image's.
    assert "HEALTHCHECK" in DOCKERFILE.read_text() and "healthcheck" not in services["cats-dogs-api"]


def test_compose_runs_the_mlflow_that_is_tested() -> None:
    requirements = (SOURCE / "tests" / "delivery" / "experiments" / "requirements.txt").read_text()
    tested = re.search(r"^mlflow==(.*)$", requirements, re.M)
    assert tested and compose()["services"]["mlflow"]["image"].split("@")[0].endswith(f":v{tested[1]}")


def test_compose_runs_the_service_as_kubernetes_does() -> None:
    entry = compose()["services"]["cats-dogs-api"]
    assert entry["build"] == {"context": ".", "dockerfile": "service/Dockerfile", "target": "service"}
    assert (entry["user"], entry["read_only"]) == ("10001:10001", True)
    assert "no-new-privileges:true" in entry["security_opt"]
    deployment = (SOURCE / "k8s" / "base" / "deployment.yaml").read_text()
    memory = re.search(r"limits:\n\s+cpu: .*\n\s+memory: (\d+)Mi", deployment)
    assert memory and entry["mem_limit"] == f"{memory[1]}m"
    command = os.environ.get("CATDOG_SERVER") or pytest.skip("CATDOG_SERVER isn't set")
    settings = subprocess.run([command, "--help"], check=True, capture_output=True, text=True).stdout
    drain = re.search(r"--drain-limit-ms .*?=(\d+) ", settings)
    assert drain and int(entry["stop_grace_period"].removesuffix("s")) * 1000 > int(drain[1])
    known = set(re.findall(r"\(Env:([A-Z_]+)\)", settings))
    assert set(entry["environment"]) <= known and "LOG_LEVEL" in known


def test_compose_mounts_what_is_there() -> None:
    document = compose()
    for entry in document["services"].values():
        for volume in entry.get("volumes", []):
            source, _, rest = volume.partition(":")
            if source.startswith("./"):
                assert (SOURCE / source).exists(), source
                assert rest.endswith(":ro"), volume
            else:
                assert source in document["volumes"], volume


def test_prometheus_in_compose_finds_the_service() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is missing (on Debian: apt-get install python3-yaml)")
    document = compose()
    volumes = [volume.split(":") for volume in document["services"]["prometheus"]["volumes"]]
    (targets,) = [SOURCE / source for source, inside, *_ in volumes if inside == "/etc/prometheus/targets"]
    config = yaml.safe_load((SOURCE / "monitoring" / "prometheus.yml").read_text())
    found = {}
    for job in config["scrape_configs"]:
        for files in (pattern for entry in job.get("file_sd_configs", []) for pattern in entry["files"]):
            assert Path(files).parent == Path("targets")
            found[job["job_name"]] = [
                target
                for file in targets.glob(Path(files).name)
                for group in yaml.safe_load(file.read_text())
                for target in group["targets"]
            ]
    assert found == {"cats-dogs-api": ["cats-dogs-api:8000"], "cats-dogs-metrics": ["cats-dogs-api:8081"]}
    exposed = re.search("^EXPOSE (.*)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert exposed and exposed[1].split() == ["8000", "8081"]


def test_prometheus_in_compose_finds_alertmanager() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is missing (on Debian: apt-get install python3-yaml)")
    config = yaml.safe_load((SOURCE / "monitoring" / "prometheus.yml").read_text())
    (manager,) = config["alerting"]["alertmanagers"]
    (target,) = manager["static_configs"][0]["targets"]
    host, port = target.split(":")
    entry = compose()["services"][host]
    assert f"127.0.0.1:{port}:{port}" in entry["ports"]
    (folder,) = [volume.split(":")[0] for volume in entry["volumes"] if volume.startswith("./")]
    assert (SOURCE / folder / "alertmanager.yml").exists()


def pin(folder: Path, answer: str) -> tuple[int, str]:
    """Exit code and the file after scripts/pin_compose_images.sh, with a docker that only gives that answer."""
    docker = folder / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$1 $2 $3" = "buildx imagetools inspect" ] && {answer}\n')
    docker.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    command = ["bash", str(SOURCE / "scripts" / "pin_compose_images.sh"), str(folder / "compose.yml")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.returncode, (folder / "compose.yml").read_text()


def test_images_of_others_are_pinned_by_the_digest_of_their_tag(tmp_path: Path) -> None:
    shipped = re.sub("@sha256:[0-9a-f]+", "", COMPOSE.read_text())
    for old, new in (("a", "a"), ("a", "b")):
        (tmp_path / "compose.yml").write_text(shipped.replace("v2.53.4", "v2.53.4@sha256:" + 64 * old))
        # Each image has another digest: its last character is the tag's.
        status, text = pin(tmp_path, f'printf "sha256:{63 * new}%s" "${{4#"${{4%?}}"}}"')
        assert status == 0
        assert re.sub("@sha256:[0-9a-f]+", "", text) == shipped, "nothing else was changed"
        pinned = re.findall(rf"^ +image: \S+(.)@sha256:{63 * new}(.)$", text, re.M)
        assert len(pinned) == 4 and all(last == digest for last, digest in pinned)


@pytest.mark.parametrize("answer", ["exit 1", "echo nonsense"])
def test_no_image_is_pinned_when_a_digest_is_not_known(tmp_path: Path, answer: str) -> None:
    (tmp_path / "compose.yml").write_text(COMPOSE.read_text())
    status, text = pin(tmp_path, answer)
    assert status == 2 and text == COMPOSE.read_text()


# --- scripts/build_image.sh


class Project:
    """A copy of the script in a repository of its own, and engines that only say how they were called."""

    def __init__(self, folder: Path, engines: list[str]) -> None:
        self.folder = folder / "project"
        (self.folder / "scripts").mkdir(parents=True)
        for name in ("build_image.sh", "common.sh"):
            shutil.copy(SOURCE / "scripts" / name, self.folder / "scripts")
        (self.folder / "CMakeLists.txt").write_text("project(catdog VERSION 4.5.6 LANGUAGES CXX)\n")
        self.path = folder / "bin"
        self.path.mkdir()
        for command in ("bash", "dirname", "date", "sed", "nproc", "tr", "git"):
            (self.path / command).symlink_to(shutil.which(command) or pytest.skip(f"no {command}"))
        for engine in engines:
            (self.path / engine).write_text(
                '#!/bin/sh\nprintf "%s\\n" "called: $(basename -- "$0")" "$@"\n'.replace('$(basename -- "$0")', engine)
            )
            (self.path / engine).chmod(0o755)

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
        result = subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return result.stdout.strip()

    def commit(self, origin: str) -> str:
        self.git("init", "-q")
        self.git("remote", "add", "origin", origin)
        self.git("add", ".")
        self.git("commit", "-q", "-m", "first", "--date", "2024-01-02T03:04:05Z")
        return self.git("rev-parse", "HEAD")

    def build(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": str(self.path),
            "HOME": str(self.folder),
            "GIT_CEILING_DIRECTORIES": str(self.folder.parent),
        }
        command = ["bash", str(self.folder / "scripts" / "build_image.sh"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True)


def after(option: str, output: str) -> list[str]:
    lines = output.splitlines()
    return [lines[index + 1] for index, line in enumerate(lines) if line == option]


def test_the_default_name_is_owner_and_commit(tmp_path: Path) -> None:
    project = Project(tmp_path, ["docker"])
    sha = project.commit("https://github.com/SomeOwner/Repository.git")
    result = project.build()
    assert result.returncode == 0, result.stderr
    assert SHA.fullmatch(sha)
    assert after("--tag", result.stdout) == [f"ghcr.io/someowner/binaryimageclassification:{sha}"]
    assert after("--target", result.stdout) == ["service"]
    values = dict(value.split("=", 1) for value in after("--build-arg", result.stdout))
    assert (values["VERSION"], values["REVISION"]) == ("4.5.6", sha)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", values["CREATED"])
    assert values["SOURCE"] == "https://github.com/SomeOwner/Repository"
    assert "BASE" not in values
    (project.folder / "CMakeLists.txt").write_text("project(catdog VERSION 4.5.7 LANGUAGES CXX)\n")
    changed = project.build("--target", "torch")
    assert after("--tag", changed.stdout) == [f"ghcr.io/someowner/binaryimageclassification:{sha}-dirty-torch"]
    assert after("--target", changed.stdout) == ["torch"]


def test_tags_and_base_are_passed_on(tmp_path: Path) -> None:
    project = Project(tmp_path, ["docker"])
    result = project.build("--tag", "a:1", "--tag", "b:2", "--base", "debian@sha256:0")
    assert after("--tag", result.stdout) == ["a:1", "b:2"]
    values = dict(value.split("=", 1) for value in after("--build-arg", result.stdout))
    assert (values["BASE"], values["REVISION"]) == ("debian@sha256:0", "unknown")
    assert "SOURCE" not in values
    labels = set(re.findall(r'org\.opencontainers\.image\.([\w.]+)="\$', DOCKERFILE.read_text()))
    assert labels == {"version", "revision", "created", "source", "base.name"}


@pytest.mark.parametrize(
    "there, asked, expected",
    [
        (["docker", "podman", "buildah"], [], ["docker", "build"]),
        (["podman", "buildah"], [], ["podman", "build", "--format", "docker"]),
        (["buildah"], [], ["buildah", "bud", "--layers", "--format", "docker"]),
        (["docker", "buildah"], ["--engine", "buildah"], ["buildah", "bud", "--layers", "--format", "docker"]),
    ],
)
def test_each_engine(tmp_path: Path, there: list[str], asked: list[str], expected: list[str]) -> None:
    result = Project(tmp_path, there).build("--tag", "a:1", *asked)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[: len(expected)] == ["called: " + expected[0], *expected[1:]]


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ([], "none of docker, podman and buildah"),
        (["--engine", "podman"], "podman is not installed"),
        (["--target", "tests"], "no target 'tests'"),
        (["--tag"], "--tag needs a value"),
        (["--push"], "unknown argument '--push'"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, arguments: list[str], reason: str) -> None:
    result = Project(tmp_path, []).build(*arguments)
    assert result.returncode == 2 and reason in result.stderr
