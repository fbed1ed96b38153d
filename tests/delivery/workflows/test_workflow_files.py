# SPDX-License-Identifier: Apache-2.0
"""What the workflows say: valid, pinned, with few rights, and calling scripts that are there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import SOURCE

yaml = pytest.importorskip("yaml")

FOLDER = SOURCE / ".github/workflows"
FILES = sorted(FOLDER.glob("*.yml"))
Workflow = dict[str, Any]
WRITES = {
    ("ci.yml", "image"): {"security-events"},
    ("release.yml", "release"): {"contents", "packages", "id-token"},
    ("rescan.yml", "rescan"): {"security-events"},
    ("ci.yml", "publish"): {"packages", "id-token", "attestations"},
    ("cd.yml", "deploy"): {"contents", "statuses"},
}


def load(name: str) -> Workflow:
    # YAML 1.1 reads the key `on` as true.
    return yaml.safe_load((FOLDER / name).read_text())


def jobs() -> Iterator[tuple[str, str, Workflow]]:
    for file in FILES:
        for name, job in load(file.name)["jobs"].items():
            yield file.name, name, job


def steps() -> Iterator[tuple[str, Workflow]]:
    for file, name, job in jobs():
        for step in job["steps"]:
            yield f"{file}: {name}: {step.get('name', step.get('uses', step.get('run')))}", step


def run_blocks() -> list[tuple[str, str]]:
    """Every piece of shell, those in the matrix too."""
    blocks = [(where, step["run"]) for where, step in steps() if "run" in step]
    for file, name, job in jobs():
        for entry in job.get("strategy", {}).get("matrix", {}).get("include", []):
            if "command" in entry:
                blocks.append((f"{file}: {name}: {entry['name']}", entry["command"]))
    return blocks


def tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is missing: scripts/delivery_tests.sh workflows installs it")
    return found


def test_the_workflows_are_there() -> None:
    assert [file.name for file in FILES] == ["cd.yml", "ci.yml", "release.yml", "rescan.yml"]


def test_a_release_is_what_ci_signed() -> None:
    release = load("release.yml")
    assert release[True] == {"push": {"tags": ["v*"]}}
    job = release["jobs"]["release"]
    assert job["needs"] == "files"
    found = job["steps"][index(job, "cd_find_image")]
    assert '--tag "$GITHUB_SHA"' in found["run"]
    assert index(job, "cd_find_image") < index(job, "sign-blob") < index(job, "gh release create")
    commands = " ".join(step.get("run", "") for step in release["jobs"]["files"]["steps"])
    for part in ("release_notes.sh", "build_packages.sh", "build_wheel.sh --test", "git archive"):
        assert part in commands
    # Nothing is built again.
    assert "build_image" not in (FOLDER / "release.yml").read_text()


def test_published_images_are_scanned_again() -> None:
    rescan = load("rescan.yml")
    assert rescan[True]["schedule"]
    job = rescan["jobs"]["rescan"]
    gate = job["steps"][index(job, "'exit-code'")]
    assert gate["uses"].startswith("aquasecurity/trivy-action@")
    assert gate["with"]["image-ref"] == "${{ steps.image.outputs.image }}"
    compose = yaml.safe_load((SOURCE / "docker-compose.yml").read_text())["services"].values()
    others = {entry["image"] for entry in compose if "build" not in entry}
    expression = re.search(r"sed -nE '(.*?)'", job["steps"][-1]["run"])
    assert expression
    command = ["sed", "-nE", expression[1], str(SOURCE / "docker-compose.yml")]
    assert set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()) == others


def test_the_sanitizers_get_an_address_space_that_they_can_use() -> None:
    """vm.mmap_rnd_bits is 32 on GitHub's Ubuntu 24.04; the run-times of GCC 12 and clang 14 want 28."""
    job = load("ci.yml")["jobs"]["test"]
    assert job["container"]["options"] == "${{ matrix.options }}"
    for entry in job["strategy"]["matrix"]["include"]:
        assert entry["options"] == ("--privileged" if "sanitize.sh" in entry["command"] else "--init")
    step = job["steps"][index(job, "mmap_rnd_bits")]
    assert step["if"] == "matrix.options == '--privileged'"
    assert index(job, "mmap_rnd_bits") < index(job, r"\$COMMAND")


def test_the_base_has_a_digest() -> None:
    image = load("ci.yml")["jobs"]["image"]
    assert '--base "$base@$digest"' in image["steps"][index(image, "build_image.sh")]["run"]


def test_each_architecture_is_built_on_its_own_kind_and_all_are_published() -> None:
    ci = load("ci.yml")["jobs"]
    image, publish = ci["image"], ci["publish"]
    runners = {entry["architecture"]: entry["runner"] for entry in image["strategy"]["matrix"]["include"]}
    assert runners == {"amd64": "ubuntu-24.04", "arm64": "ubuntu-24.04-arm"}
    assert image["runs-on"] == "${{ matrix.runner }}"
    pushed = publish["steps"][index(publish, "publish_image.sh")]["run"]
    signed = publish["steps"][index(publish, "cosign sign")]["run"]
    assert re.findall(r"--local cats-dogs-api:ci-(\w+)", pushed) == list(runners)
    # The list, each image in it, and the packages of each.
    assert "cosign sign --yes --recursive" in signed
    assert '--predicate "$folder/sbom.spdx.json"' in signed


def test_a_private_repository_can_publish() -> None:
    publish = load("ci.yml")["jobs"]["publish"]
    provenance = publish["steps"][index(publish, "attest-build-provenance@")]
    assert provenance["if"] == "${{ !github.event.repository.private }}"


def test_a_branchs_tag_is_moved_by_one_run_at_a_time() -> None:
    publish = load("ci.yml")["jobs"]["publish"]
    assert publish["concurrency"] == {"group": "publish-${{ github.ref }}", "cancel-in-progress": False, "queue": "max"}
    assert publish["steps"][0]["with"]["fetch-depth"] == 0


def test_actionlint_finds_nothing() -> None:
    arguments = ["-no-color", "-shellcheck", tool("shellcheck"), *map(str, FILES)]
    done = subprocess.run([tool("actionlint"), *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", FILES), ("vendor.dependabot", [SOURCE / ".github/dependabot.yml"])],
)
def test_the_schema_holds(schema: str, files: list[Path]) -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_shellcheck_finds_nothing_in_the_run_blocks() -> None:
    command = [tool("shellcheck"), "--shell", "bash", "--severity", "style", "-"]
    blocks = run_blocks()
    assert len(blocks) > 20
    for where, block in blocks:
        done = subprocess.run(
            command, input=f"set -eo pipefail\n{block}\n", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{where}: {done.stdout}"


def test_actions_are_pinned_by_commit_with_their_version() -> None:
    lines = [line for file in FILES for line in file.read_text().splitlines() if re.search(r"\buses:", line)]
    assert len(lines) > 15
    versions: dict[str, str] = {}
    for line in lines:
        match = re.fullmatch(r"\s+(?:- )?uses: ([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
        assert match, line
        # The same everywhere: an old one forgotten somewhere would be worse than none pinned.
        assert versions.setdefault(match[1], match[2] + match[3]) == match[2] + match[3], line


def test_nothing_is_interpolated_into_a_shell() -> None:
    for where, block in run_blocks():
        assert "${{" not in block, where


def test_rights_are_few() -> None:
    for file in FILES:
        assert load(file.name)["permissions"] == {"contents": "read"}, file.name
    for file, name, job in jobs():
        rights = job.get("permissions", {})
        assert set(rights.values()) <= {"read", "write"}
        assert {right for right, value in rights.items() if value == "write"} == WRITES.get((file, name), set()), name


def test_the_token_stays_in_the_checkout_only_where_it_pushes() -> None:
    for file, name, job in jobs():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                keeps = step.get("with", {}).get("persist-credentials", True)
                assert keeps == (name == "deploy"), f"{file}: {name}"


def test_runs_end_and_do_not_meet() -> None:
    for file, name, job in jobs():
        assert 0 < job["timeout-minutes"] <= 120, f"{file}: {name}"
    assert "github.ref" in load("ci.yml")["concurrency"]["group"]
    # With a name for each run two could deploy at once; one that is ended half-way would leave the cluster between two.
    # In the workflow's own group a run that is skipped would cancel a rollback that waits.
    cd = load("cd.yml")
    assert "concurrency" not in cd
    wanted = {"group": "cd-production", "cancel-in-progress": False, "queue": "max"}
    assert cd["jobs"]["deploy"]["concurrency"] == wanted


def test_the_scripts_and_options_are_there() -> None:
    found = 0
    for where, block in run_blocks():
        for line in block.replace("\\\n", " ").splitlines():
            for call in re.finditer(r"(scripts/[\w.-]+|\.ci/run)([^&|;{]*)", line):
                script = SOURCE / call[1]
                assert os.access(script, os.X_OK), f"{where}: {call[1]}"
                for option in re.findall(r"(?<!\S)--[a-z-]+", call[2]):
                    assert option in script.read_text(), f"{where}: {call[1]} {option}"
                found += 1
    assert found > 15


def test_caches_have_names_that_are_allowed() -> None:
    """The cache refuses commas in a key."""
    names = [entry["cache"] for entry in load("ci.yml")["jobs"]["test"]["strategy"]["matrix"]["include"]]
    assert len(set(names)) == len(names) == 4
    assert all(re.fullmatch("[a-z0-9-]+", name) for name in names)


def test_ci_has_its_parts() -> None:
    ci = load("ci.yml")["jobs"]
    commands = " ".join(block for where, block in run_blocks() if where.startswith("ci.yml"))
    for script in (
        "lint",
        "test",
        "test_torch2",
        "sanitize",
        "abi_check",
        "fuzz",
        "build_wheel",
        "build_image",
        "publish_image",
    ):
        assert f"scripts/{script}.sh" in commands
    assert set(ci["publish"]["needs"]) == set(ci) - {"publish", "integration"}


def index(job: Workflow, expression: str) -> int:
    found = [number for number, step in enumerate(job["steps"]) if re.search(expression, str(step))]
    assert len(found) == 1, f"{expression}: {len(found)} steps"
    return found[0]


def test_what_is_published_is_what_passed_the_gate() -> None:
    ci = load("ci.yml")["jobs"]
    image, publish = ci["image"], ci["publish"]
    gate = image["steps"][index(image, "'exit-code'")]
    wanted = {"severity": "HIGH,CRITICAL", "ignore-unfixed": True, "exit-code": "1", "image-ref": "cats-dogs-api:ci"}
    assert gate["uses"].startswith("aquasecurity/trivy-action@")
    assert wanted.items() <= gate["with"].items()
    assert "if" not in gate and not gate.get("continue-on-error")
    assert index(image, "build_image.sh") < index(image, "'exit-code'") < index(image, "docker save")
    # The same files, not built again.
    assert 'docker load --input "$folder/image.tar"' in publish["steps"][index(publish, "publish_image.sh")]["run"]
    assert not [where for where, block in run_blocks() if "build_image" in block and ": image:" not in where]
    assert (
        index(publish, "publish_image.sh") < index(publish, "cosign sign") < index(publish, "attest-build-provenance@")
    )
    assert publish["if"] == "github.event_name == 'push' && github.ref == 'refs/heads/main'"


def test_what_is_signed_and_tested_is_the_digest() -> None:
    ci = load("ci.yml")["jobs"]
    publish, integration = ci["publish"], ci["integration"]
    sign = publish["steps"][index(publish, "cosign sign")]
    assert sign["env"]["DIGEST"] == "${{ steps.push.outputs.digest }}"
    signing = [line for line in sign["run"].splitlines() if "cosign" in line]
    assert len(signing) == 2
    assert all(line.endswith('"$IMAGE@$DIGEST"') for line in signing)
    provenance = publish["steps"][index(publish, "attest-build-provenance@")]["with"]
    assert provenance["subject-digest"] == "${{ steps.push.outputs.digest }}"
    assert integration["needs"] == "publish"
    assert integration["env"]["IMAGE"] == "${{ needs.publish.outputs.image }}@${{ needs.publish.outputs.digest }}"
    assert (
        'test_running_image.sh --pull "$IMAGE"' in integration["steps"][index(integration, "test_running_image")]["run"]
    )


def test_cd_follows_only_a_ci_of_this_repository_that_passed() -> None:
    cd = load("cd.yml")
    assert cd[True]["workflow_run"] == {
        "workflows": [load("ci.yml")["name"]],
        "types": ["completed"],
        "branches": ["main"],
    }
    condition = cd["jobs"]["deploy"]["if"]
    by_hand, after_ci = condition.split(" || ")
    assert by_hand.split(" && ") == ["github.event_name == 'workflow_dispatch'", "github.ref == 'refs/heads/main'"]
    assert sorted(after_ci.split(" && ")) == [
        "github.event.workflow_run.conclusion == 'success'",
        "github.event.workflow_run.event == 'push'",
        "github.event.workflow_run.head_repository.full_name == github.repository",
        "github.event_name == 'workflow_run'",
    ]


def test_cd_goes_in_order_and_always_says_what_came_of_it() -> None:
    deploy = load("cd.yml")["jobs"]["deploy"]
    order = ["cd_check_tag.sh", "cd_find_image.sh", "cd_kube_config.sh", "deploy.py", "cd_notify.sh", "rm -f"]
    places = [index(deploy, re.escape(step)) for step in order]
    assert places == sorted(places)
    assert [deploy["steps"][place].get("if") for place in places[-2:]] == ["always()", "always()"]
    # Which of two commits came later takes the whole history.
    assert deploy["steps"][index(deploy, "actions/checkout@")]["with"] == {"ref": "main", "fetch-depth": 0}
    secrets = set(re.findall(r"secrets\.(\w+)", (FOLDER / "cd.yml").read_text()))
    assert secrets == {"GITHUB_TOKEN", "KUBE_CONFIG", "SERVICE_URL"}
