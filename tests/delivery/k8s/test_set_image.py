# SPDX-License-Identifier: Apache-2.0
"""scripts/set_image.py on a repository with a history of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import SOURCE

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
Repository = tuple[Path, list[str]]


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture()
def repository(tmp_path: Path) -> Repository:
    """Three commits, oldest first, and the file as the project has it."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "production").mkdir()
    shutil.copy(SOURCE / "k8s/production/kustomization.yaml", tmp_path / "production/kustomization.yaml")
    commits = []
    for number in range(3):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", str(number))
        commits.append(git(tmp_path, "rev-parse", "HEAD"))
    return tmp_path / "production/kustomization.yaml", commits


def run(file: Path, digest: str, commit: str, *more: str) -> subprocess.CompletedProcess[str]:
    script = str(SOURCE / "scripts/set_image.py")
    command = [sys.executable, script, "--file", str(file), "--digest", digest, "--commit", commit, *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_writes_digest_commit_and_name(repository: Repository) -> None:
    file, commits = repository
    before = file.read_text().splitlines()
    done = run(file, NEW, commits[1], "--repository", "ghcr.io/someone/binaryimageclassification")
    assert (done.returncode, done.stderr) == (0, "")
    after = file.read_text().splitlines()
    changed = [new.strip() for old, new in zip(before, after) if old != new]
    assert changed == [
        "newName: ghcr.io/someone/binaryimageclassification",
        f"digest: {NEW}",
        f'org.opencontainers.image.revision: "{commits[1]}"',
    ]
    assert len(before) == len(after)


def test_goes_forward_never_back(repository: Repository) -> None:
    file, commits = repository
    assert run(file, OLD, commits[1]).returncode == 0
    text = file.read_text()
    back = run(file, NEW, commits[0])
    assert back.returncode == 3 and "doesn't come after" in back.stderr
    assert file.read_text() == text
    assert run(file, NEW, commits[2]).returncode == 0
    assert NEW in file.read_text()


def test_a_branch_that_left_earlier_is_no_step_forward(repository: Repository) -> None:
    file, commits = repository
    assert run(file, OLD, commits[2]).returncode == 0
    folder = file.parents[1]
    git(folder, "checkout", "-q", "-b", "other", commits[0])
    git(folder, "commit", "-q", "--allow-empty", "-m", "other")
    assert run(file, NEW, git(folder, "rev-parse", "HEAD")).returncode == 3


def test_rollback_goes_back_on_purpose(repository: Repository) -> None:
    file, commits = repository
    assert run(file, NEW, commits[2]).returncode == 0
    assert run(file, OLD, commits[0], "--rollback").returncode == 0
    assert OLD in file.read_text() and commits[0] in file.read_text()


def test_the_same_again_changes_nothing(repository: Repository) -> None:
    file, commits = repository
    run(file, NEW, commits[1])
    stamp = file.stat().st_mtime_ns
    done = run(file, NEW, commits[1])
    assert done.returncode == 0 and done.stdout.startswith("unchanged")
    assert file.stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("digest", "commit", "more", "complaint"),
    [
        ("sha256:abc", "a" * 40, [], "no digest"),
        (NEW + "\nnewTag: x", "a" * 40, [], "no digest"),
        (NEW, "main", [], "no full commit"),
        (NEW, "a" * 40, ["--repository", "ghcr.io/Owner/x"], "small letters"),
        (NEW, "a" * 40, ["--repository", "ghcr.io/owner/x\n  digest: y"], "small letters"),
    ],
)
def test_bad_arguments(repository: Repository, digest: str, commit: str, more: list[str], complaint: str) -> None:
    file, _ = repository
    text = file.read_text()
    done = run(file, digest, commit, *more)
    assert done.returncode == 2 and complaint in done.stderr
    assert file.read_text() == text


def test_an_unknown_commit_is_an_error(repository: Repository) -> None:
    file, commits = repository
    run(file, OLD, commits[0])
    done = run(file, NEW, "c" * 40)
    assert done.returncode == 2 and "shallow" in done.stderr


def test_a_file_of_another_form_is_left_alone(repository: Repository) -> None:
    file, commits = repository
    file.write_text(file.read_text().replace("newTag: main", "newTag: main\n    digest: " + OLD))
    text = file.read_text()
    done = run(file, NEW, commits[0])
    assert done.returncode == 2 and "2 lines for the image's version" in done.stderr
    assert file.read_text() == text
