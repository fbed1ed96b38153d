# SPDX-License-Identifier: Apache-2.0
"""The scripts that the workflows call, with programs that stand in for docker, cosign and gh, and the real server."""

from __future__ import annotations

import base64
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from fakes import Fakes
from harness import MODEL, SOURCE

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "d" * 64
IMAGE = "ghcr.io/someone/binaryimageclassification"


def run(script: str, *arguments: str, fakes: Fakes | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    environment = fakes.environment(**more) if fakes else {**os.environ, **more}
    command = [str(SOURCE / "scripts" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture()
def fakes(tmp_path: Path) -> Fakes:
    return Fakes(tmp_path / "fakes")


def test_a_full_sha_can_be_deployed() -> None:
    assert run("cd_check_tag.sh", COMMIT).returncode == 0


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "main",
        "v1.0.0",
        COMMIT[:39],
        COMMIT + "0",
        COMMIT.upper(),
        f"{COMMIT}\n",
        f"\n{COMMIT}",
        f" {COMMIT}",
        f"{COMMIT}; touch pwned",
        "$(touch pwned)" + COMMIT[14:],
        "g" * 40,
        "é" * 40,
        f"{COMMIT[:-1]}/",
        "-" * 40,
    ],
)
def test_nothing_else_can(tag: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(SOURCE / "scripts/cd_check_tag.sh"), tag], capture_output=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2
    assert b"full SHA of a commit" in done.stderr
    assert not list(tmp_path.iterdir())


def publish(fakes: Fakes, tmp_path: Path, owner: str = "SomeOne", branch: str = "main") -> tuple[int, str]:
    output = tmp_path / "output"
    arguments = [
        "--local",
        "x:ci-amd64",
        "--local",
        "x:ci-arm64",
        "--owner",
        owner,
        "--commit",
        COMMIT,
        "--branch",
        branch,
    ]
    done = run("publish_image.sh", *arguments, fakes=fakes, GITHUB_OUTPUT=str(output))
    return done.returncode, output.read_text() if output.exists() else ""


LIST = "sha256:" + "a" * 64


def test_publishes_by_commit_and_branch(fakes: Fakes, tmp_path: Path) -> None:
    other = "sha256:" + "e" * 64
    fakes.set(digests=[DIGEST, other], digest=LIST)
    assert publish(fakes, tmp_path, branch="feature/x y") == (0, f"image={IMAGE}\ndigest={LIST}\n")
    changing = ("tag", "push", "buildx imagetools create")
    assert [call for call in fakes.calls("docker") if call.startswith(changing)] == [
        f"tag x:ci-amd64 {IMAGE}:{COMMIT}-amd64",
        f"push {IMAGE}:{COMMIT}-amd64",
        f"tag x:ci-arm64 {IMAGE}:{COMMIT}-arm64",
        f"push {IMAGE}:{COMMIT}-arm64",
        f"buildx imagetools create --tag {IMAGE}:{COMMIT} --tag {IMAGE}:feature-x-y {IMAGE}@{DIGEST} {IMAGE}@{other}",
    ]


class Project:
    """The script in a repository with an older and a newer commit: a checkout in CI may have no history."""

    def __init__(self, folder: Path) -> None:
        (folder / "scripts").mkdir(parents=True)
        for name in ("publish_image.sh", "cd_check_tag.sh", "common.sh"):
            shutil.copy(SOURCE / "scripts" / name, folder / "scripts")
        self.script = folder / "scripts/publish_image.sh"
        git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run([*git, "init", "-q"], check=True)
        self.commits = []
        for number in range(2):
            subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", str(number)], check=True)
            head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
            self.commits.append(head.stdout.strip())

    def pushed(self, fakes: Fakes, commit: str) -> list[str]:
        command = [
            str(self.script),
            "--local",
            "x:ci-amd64",
            "--owner",
            "SomeOne",
            "--commit",
            commit,
            "--branch",
            "main",
        ]
        subprocess.run(command, env=fakes.environment(), capture_output=True, check=True)
        (created,) = [call for call in fakes.calls("docker") if call.startswith("buildx imagetools create")]
        return re.findall(r"--tag (\S+)", created)


def test_a_slow_build_does_not_take_the_branch_back(fakes: Fakes, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    older, newer = project.commits
    fakes.set(digests=[DIGEST], digest=LIST, revision=newer)
    assert project.pushed(fakes, older) == [f"{IMAGE}:{older}"]


def test_a_later_build_takes_the_branch_on(fakes: Fakes, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    older, newer = project.commits
    fakes.set(digests=[DIGEST], digest=LIST, revision=older)
    assert project.pushed(fakes, newer) == [f"{IMAGE}:{newer}", f"{IMAGE}:main"]


def test_a_list_without_a_digest_is_no_success(fakes: Fakes, tmp_path: Path) -> None:
    fakes.set(digests=[DIGEST, DIGEST], digest="no digest")
    assert publish(fakes, tmp_path) == (2, "")


def test_each_architecture_once(fakes: Fakes) -> None:
    arguments = ["--owner", "SomeOne", "--commit", COMMIT, "--branch", "main"]
    done = run("publish_image.sh", "--local", "x:ci-arm64", "--local", "y:ci-arm64", *arguments, fakes=fakes)
    assert done.returncode == 2
    assert "two of the images are for arm64" in done.stderr
    assert not [call for call in fakes.calls("docker") if call.startswith("push")]


@pytest.mark.parametrize("owner", ["", "a/b", "a b", "-a"])
def test_publishes_only_for_an_owner(fakes: Fakes, tmp_path: Path, owner: str) -> None:
    fakes.set(digests=[DIGEST, DIGEST])
    assert publish(fakes, tmp_path, owner=owner) == (2, "")
    assert fakes.calls("docker") == []


def find(fakes: Fakes, tmp_path: Path, tag: str = COMMIT, **more: str) -> tuple[int, str]:
    output = tmp_path / "output"
    more |= {"GITHUB_OUTPUT": str(output), "GITHUB_REPOSITORY": "SomeOne/BinaryImageClassification"}
    done = run("cd_find_image.sh", "--owner", "SomeOne", "--tag", tag, fakes=fakes, **more)
    return done.returncode, output.read_text() if output.exists() else ""


def test_finds_the_digest_and_asks_who_signed_it(fakes: Fakes, tmp_path: Path) -> None:
    fakes.set(digest=DIGEST)
    assert find(fakes, tmp_path) == (0, f"image={IMAGE}\ndigest={DIGEST}\n")
    calls = fakes.calls("cosign")
    assert [call.split()[0] for call in calls] == ["verify", "verify-attestation"]
    identity = "https://github.com/SomeOne/BinaryImageClassification/.github/workflows/ci.yml@refs/heads/main"
    for call in calls:
        assert f"--certificate-identity {identity}" in call
        assert "--certificate-oidc-issuer https://token.actions.githubusercontent.com" in call
        assert call.endswith(f"{IMAGE}@{DIGEST}")
    assert fakes.calls("gh") == []


@pytest.mark.parametrize("lacks", ["verify", "verify-attestation"])
def test_an_image_that_ci_did_not_sign_is_refused(fakes: Fakes, tmp_path: Path, lacks: str) -> None:
    fakes.set(digest=DIGEST, unsigned=[lacks])
    assert find(fakes, tmp_path) == (2, "")


@pytest.mark.parametrize("attested", [True, False])
def test_asks_who_built_it_where_that_is_known(fakes: Fakes, tmp_path: Path, attested: bool) -> None:
    fakes.set(digest=DIGEST, unattested=not attested)
    assert find(fakes, tmp_path, VERIFY_PROVENANCE="true")[0] == (0 if attested else 2)
    (call,) = fakes.calls("gh")
    assert call.startswith(f"attestation verify oci://{IMAGE}@{DIGEST} --repo SomeOne/BinaryImageClassification ")


@pytest.mark.parametrize("answer", ["", "latest", DIGEST[:-1]])
def test_an_answer_that_is_no_digest_is_refused(fakes: Fakes, tmp_path: Path, answer: str) -> None:
    fakes.set(digest=answer)
    assert find(fakes, tmp_path) == (2, "")


def test_a_missing_image_is_refused(fakes: Fakes, tmp_path: Path) -> None:
    assert find(fakes, tmp_path) == (2, "")


def test_a_tag_that_is_no_commit_never_reaches_docker(fakes: Fakes, tmp_path: Path) -> None:
    fakes.set(digest=DIGEST)
    assert find(fakes, tmp_path, tag="main") == (2, "")
    assert fakes.calls("docker") == []


@pytest.fixture()
def notes(tmp_path: Path) -> Path:
    """The script in a project of version 1.2.3."""
    (tmp_path / "scripts").mkdir()
    for name in ("release_notes.sh", "common.sh"):
        shutil.copy(SOURCE / "scripts" / name, tmp_path / "scripts")
    (tmp_path / "CMakeLists.txt").write_text("project(catdog VERSION 1.2.3 LANGUAGES CXX)\n")
    sections = ["## [Unreleased]\n- later", "## [1.2.3] - 2026-01-01\n- now", "## [1.2.2]\n- old", "## [1x2x3]\n- no"]
    (tmp_path / "CHANGELOG.md").write_text("\n\n".join(["# Changelog", *sections]) + "\n")
    return tmp_path / "scripts/release_notes.sh"


def test_the_notes_of_a_release_are_its_section(notes: Path) -> None:
    done = subprocess.run([str(notes), "v1.2.3"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "- now"


@pytest.mark.parametrize(
    ("tag", "complaint"),
    [("v1.2.4", "has version 1.2.3"), ("1.2.3", "no tag of a release"), ("v1.2.3-rc1", "no tag of a release")],
)
def test_a_tag_that_is_no_release_of_these_sources(notes: Path, tag: str, complaint: str) -> None:
    done = subprocess.run([str(notes), tag], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and complaint in done.stderr and not done.stdout


def test_a_release_without_a_section(notes: Path) -> None:
    changelog = notes.parents[1] / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## [1.2.3]", "## [1.2.0]"))
    done = subprocess.run([str(notes), "v1.2.3"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "no section" in done.stderr


@pytest.mark.parametrize("encode", [False, True])
def test_access_as_it_is_or_in_base64(tmp_path: Path, encode: bool) -> None:
    config = "apiVersion: v1\nkind: Config\n"
    secret = base64.b64encode(config.encode()).decode() if encode else config
    file = tmp_path / "config"
    assert run("cd_kube_config.sh", str(file), KUBE_CONFIG=secret).returncode == 0
    assert file.read_text().strip() == config.strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("secret", ["", "no base64!", base64.b64encode(b"something else").decode()])
def test_no_access_is_a_failure_that_does_not_show_the_secret(tmp_path: Path, secret: str) -> None:
    done = run("cd_kube_config.sh", str(tmp_path / "config"), KUBE_CONFIG=secret)
    assert done.returncode == 2
    assert "KUBE_CONFIG" in done.stderr
    assert not secret or secret not in done.stdout + done.stderr
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ("deployed", "success"),
        ("unchanged", "success"),
        ("superseded", "error"),
        ("failed", "failure"),
        ("rolled-back", "failure"),
        ("rollback-failed", "failure"),
        ("refused", "failure"),
        ("not-started", "failure"),
        ("unknown", "failure"),
        ("", "failure"),
    ],
)
def test_says_the_true_result(fakes: Fakes, tmp_path: Path, result: str, state: str) -> None:
    more = {"GITHUB_REPOSITORY": "a/b", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "7"}
    summary = tmp_path / "summary"
    more |= {"GITHUB_STEP_SUMMARY": str(summary), "TAG": COMMIT, "RESULT": result, "MESSAGE": "because " * 40}
    assert run("cd_notify.sh", fakes=fakes, **more).returncode == 0
    assert summary.read_text().startswith(f"### Deployment: {result or 'unknown'}\n")
    (call,) = fakes.calls("gh")
    assert f"repos/a/b/statuses/{COMMIT}" in call
    assert f"state={state} " in call
    description = re.search(r"'description=([^']*)'", call)
    assert description and len(description[1]) <= 140 and description[1].startswith(f"{result or 'unknown'}: because")


def test_no_status_for_what_is_no_commit(fakes: Fakes) -> None:
    assert run("cd_notify.sh", fakes=fakes, TAG="a/../b", RESULT="not-started").returncode == 0
    assert fakes.calls("gh") == []


def running_image(fakes: Fakes, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("test_running_image.sh", *arguments, fakes=fakes, FAKE_SERVER=os.environ["CATDOG_SERVER"])


def test_a_running_image_is_tested_as_kubernetes_runs_it(fakes: Fakes) -> None:
    fakes.set(flags=["--model", str(MODEL)])
    done = running_image(fakes, "--pull", f"{IMAGE}@{DIGEST}")
    assert done.returncode == 0, done.stderr
    calls = fakes.calls("docker")
    assert calls[0] == f"pull --quiet {IMAGE}@{DIGEST}"
    assert calls[1].startswith("run ") and calls[1].endswith(f"{IMAGE}@{DIGEST}")
    for flag in ("--read-only", "--cap-drop ALL", "--user 10001:10001", "no-new-privileges"):
        assert flag in calls[1]
    assert calls[-1] == "rm --force c0ffee"


def test_an_image_that_does_not_start_fails(fakes: Fakes) -> None:
    fakes.set(flags=["--model", "/nowhere/best_model.pt", "--no-such-option"])
    done = running_image(fakes, "x:ci")
    assert done.returncode == 2
    assert "no-such-option" in done.stderr  # the log
    assert fakes.calls("docker")[-1] == "rm --force c0ffee"


def test_an_image_that_ends_badly_fails(fakes: Fakes) -> None:
    fakes.set(flags=["--model", str(MODEL)], exit_code=137)
    done = running_image(fakes, "x:ci")
    assert done.returncode == 2
    assert "status 137" in done.stderr


def test_an_image_that_classifies_badly_fails(fakes: Fakes) -> None:
    """Bodies of 4 KB at the most: every picture is too large."""
    fakes.set(flags=["--model", str(MODEL), "--max-body-bytes", "4096"])
    done = running_image(fakes, "x:ci")
    assert done.returncode == 1, done.stderr
    assert fakes.calls("docker")[-1] == "rm --force c0ffee"


def test_without_a_digest_nothing_is_pulled(fakes: Fakes) -> None:
    assert running_image(fakes, "--pull", f"{IMAGE}:main").returncode == 2
    assert fakes.calls("docker") == []
