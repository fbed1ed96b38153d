# SPDX-License-Identifier: Apache-2.0
"""The shipped pipeline in a repository of its own, run for real on a tiny data set: what runs, and what needn't."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
from harness import SOURCE

yaml = pytest.importorskip("yaml", reason="PyYAML is missing (on Debian: apt-get install python3-yaml)")
pytest.importorskip("dvc", reason="dvc is missing (scripts/delivery_tests.sh experiments installs it)")

STAGES = ["prepare", "train", "evaluate", "card"]
SHIPPED = ["dvc.yaml", "params.yaml", ".dvcignore", ".dvc/config", ".dvc/.gitignore", ".gitignore", "data", "training"]


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".dvc").mkdir(parents=True)
        for name in SHIPPED:
            if (SOURCE / name).is_dir():
                shutil.copytree(SOURCE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(SOURCE / name, folder / name)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GIT_", "DVC_"))}
        home = folder.parent / "home"
        home.mkdir()
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = inherited | {"PATH": path, "HOME": str(home), "CATDOG_TRAIN": tiny.trainer()}
        self.git("init", "--quiet")
        self.change("train", epochs=1, threads=1, validation=0.2, test=0.3, **{"image-size": 32, "batch-size": 16})
        # bf16 needs a CPU that has it.
        self.change("train", bf16=False, **{"distill-weight": 0.0})
        self.change("prepare", pictures="pictures", exclude="", teacher="")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def dvc(self, *arguments: str, status: int = 0, **environment: str) -> str:
        command = [sys.executable, "-m", "dvc", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment | environment, capture_output=True, text=True, timeout=500
        )
        assert done.returncode == status, (done.stdout + done.stderr)[-3000:]
        return done.stdout + done.stderr

    def change(self, part: str, **values: object) -> None:
        path = self.folder / "params.yaml"
        params = yaml.safe_load(path.read_text())
        unknown = set(values) - set(params[part])
        assert not unknown, f"params.yaml has no {unknown}"
        params[part] |= values
        path.write_text(yaml.safe_dump(params))

    def repro(self) -> list[str]:
        """The stages that were really run."""
        output = self.dvc("repro")
        ran = re.findall(r"Running stage '(\w+)'", output)
        last = "Data and pipelines are up to date."
        assert ran or last in output or "is cached - skipping run, checking out outputs" in output, output
        return ran

    def output(self, name: str) -> Path:
        return self.folder / "build" / "dvc" / name


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    made = Repository(tmp_path_factory.mktemp("pipeline") / "repository")
    tiny.make_pictures(made.folder / "data" / "raw" / "pictures")
    ran = made.repro()
    assert ran == STAGES
    yield made


def test_a_second_run_does_nothing(repository: Repository) -> None:
    assert "Data and pipelines are up to date." in repository.dvc("repro")


def test_a_parameter_of_the_evaluation_reruns_only_that_and_the_card(repository: Repository) -> None:
    repository.change("evaluate", precision="fp32")
    assert repository.repro() == ["evaluate", "card"]
    assert json.loads(repository.output("evaluate/evaluation.json").read_text())["model"]["precision"] == "fp32"
    assert "in fp32:" in repository.output("card/figures.md").read_text()


def test_a_parameter_of_the_training_reruns_all_but_prepare(repository: Repository) -> None:
    repository.change("train", seed=2)
    assert repository.repro() == ["train", "evaluate", "card"]
    figures = repository.output("card/figures.md").read_text()
    assert ", seed 2," in figures and "bf16 False" in figures


def test_what_was_once_run_comes_from_the_cache(repository: Repository) -> None:
    before = repository.output("train/best_model.pt").read_bytes()
    repository.change("train", epochs=2)
    assert repository.repro() == ["train", "evaluate", "card"]
    assert repository.output("train/best_model.pt").read_bytes() != before
    repository.change("train", epochs=1)
    assert repository.repro() == []
    assert repository.output("train/best_model.pt").read_bytes() == before


def test_lists_go_to_the_trainer(repository: Repository) -> None:
    raw = repository.folder / "data" / "raw"
    (raw / "noise.txt").write_text("cat.3\ndog.5 # both\n")
    logits = [
        f"{label}.{n}.png,{2 * (label == 'cat')},{2 * (label == 'dog')}" for label in ("cat", "dog") for n in range(40)
    ]
    (raw / "logits.csv").write_text("\n".join(["file,cat_logit,dog_logit", *logits]) + "\n")
    repository.change("prepare", exclude="noise.txt", teacher="logits.csv")
    repository.change("train", **{"distill-weight": 0.5})
    assert repository.repro() == STAGES
    figures = repository.output("card/figures.md").read_text()
    assert "Pictures: 2 excluded," in figures and "teacher teacher.csv" in figures and "distill_weight 0.5" in figures


def test_metrics_and_plots_are_found(repository: Repository) -> None:
    shown = json.loads(repository.dvc("metrics", "show", "--json"))[""]["data"]
    assert shown["build/dvc/evaluate/evaluation.json"]["data"]["pictures"] > 0
    assert 0 <= shown["build/dvc/train/evaluation.json"]["data"]["test"]["accuracy"] <= 1
    repository.dvc("plots", "show", "--out", "plots")
    page = (repository.folder / "plots" / "index.html").read_text()
    for title in ("Loss per epoch", "Accuracy on the validation split", "Confusion on the test split"):
        assert title in page
    assert "validation_log_loss" in page


def test_without_data_it_says_what_to_put_where(tmp_path: Path) -> None:
    fresh = Repository(tmp_path / "repository")
    shutil.copyfile(SOURCE / "params.yaml", fresh.folder / "params.yaml")
    output = fresh.dvc("repro", status=255)
    params = yaml.safe_load((SOURCE / "params.yaml").read_text())["prepare"]
    for key in ("pictures", "exclude", "teacher"):
        assert f"data/raw/{params[key]} (prepare.{key}): " in output
    page = (fresh.folder / "data" / "raw" / "README.md").read_text()
    assert set(re.findall(r"`prepare\.(\w+)`", page)) == {"pictures", "exclude", "teacher"}


def test_images_are_kept_out_of_git_and_dvc_takes_them(tmp_path: Path) -> None:
    fresh = Repository(tmp_path / "repository")
    (fresh.folder / "data" / "raw" / "cats.zip").write_bytes(b"images")
    fresh.dvc("add", "data/raw/cats.zip")
    seen = fresh.git("ls-files", "--others", "--exclude-standard", "data").split()
    assert sorted(seen) == [f"data/raw/{name}" for name in (".gitignore", "README.md", "cats.zip.dvc")]


def test_git_sees_the_recipe_and_none_of_the_data(repository: Repository) -> None:
    repository.git("add", "--all", ".")
    added = repository.git("diff", "--cached", "--name-only").splitlines()
    assert "dvc.lock" in added and "params.yaml" in added
    assert not [name for name in added if name.endswith((".png", ".pt"))]


def test_the_remote_takes_its_credentials_from_the_environment_alone() -> None:
    config = (SOURCE / ".dvc" / "config").read_text()
    assert not re.search(r"password|token|access_key|secret|user", config)
    assert "/config.local" in (SOURCE / ".dvc" / ".gitignore").read_text().split()


def test_the_shipped_model_is_what_its_recipe_made() -> None:
    """As `dvc status models/dvc.yaml` says it, of the files that are in the repository."""
    stages = yaml.safe_load((SOURCE / "models" / "dvc.yaml").read_text())["stages"]
    locked = yaml.safe_load((SOURCE / "models" / "dvc.lock").read_text())["stages"]
    assert locked.keys() == stages.keys()
    for name, stage in locked.items():
        assert stage["cmd"] == stages[name]["cmd"]
        assert [entry["path"] for entry in stage["deps"]] == stages[name]["deps"]
        for entry in stage["deps"] + stage["outs"]:
            path = SOURCE / entry["path"]
            if entry["path"].startswith("data/raw/"):
                continue  # Not part of the repository.
            seen = hashlib.md5(path.read_bytes()).hexdigest()
            assert seen == entry["md5"], f"{entry['path']} changed: make the model again (models/README.md)"
