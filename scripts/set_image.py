#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes which image production runs, by digest, into k8s/production/kustomization.yaml.

The commit that the image was built from stands beside it. An image of a commit that isn't a descendant of the one there
is refused (exit code 3): a slow pipeline never takes back what a later one brought. --rollback goes back on purpose.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEVER = "0" * 40
BACKWARDS = 3


def pattern(name: str, expression: str) -> re.Pattern[str]:
    return re.compile(rf"^(?P<before>\s+{re.escape(name)}: )(?P<value>{expression})$", re.M)


REPOSITORY = pattern("newName", r"\S+")
VERSION = re.compile(r"^(?P<before>\s+)(?P<value>(?:newTag|digest): \S+)$", re.M)
COMMIT = pattern("org.opencontainers.image.revision", r'"[0-9a-f]{40}"')


class Unusable(Exception):
    """An argument or a file that can't be worked with; the text says what is wrong."""


def only(expression: re.Pattern[str], text: str, what: str) -> str:
    found = [match["value"] for match in expression.finditer(text)]
    if len(found) != 1:
        raise Unusable(f"the kustomization has {len(found)} lines for the {what}; there must be one")
    return found[0]


def is_ancestor(older: str, newer: str, repository: Path) -> bool:
    """Whether `newer` is `older` or comes after it in the history."""
    command = ["git", "-C", str(repository), "merge-base", "--is-ancestor", older, newer]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise Unusable(f"git can't compare {older} with {newer}: {done.stderr.strip()} (a shallow clone lacks commits)")
    return done.returncode == 0


def set_image(text: str, repository: str | None, digest: str, commit: str) -> str:
    """The kustomization with that image."""
    for expression, what in ((REPOSITORY, "image's name"), (VERSION, "image's version"), (COMMIT, "commit")):
        only(expression, text, what)
    if repository is not None:
        text = REPOSITORY.sub(rf"\g<before>{repository}", text)
    text = VERSION.sub(rf"\g<before>digest: {digest}", text)
    return COMMIT.sub(rf'\g<before>"{commit}"', text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digest", required=True, help="sha256:… of the pushed image")
    parser.add_argument("--commit", required=True, help="full SHA of the commit that it was built from")
    parser.add_argument("--repository", help="ghcr.io/owner/name; default: what is there")
    parser.add_argument("--rollback", action="store_true", help="go back to an older commit")
    parser.add_argument("--file", type=Path, default=ROOT / "k8s/production/kustomization.yaml")
    settings = parser.parse_args()
    try:
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", settings.digest):
            raise Unusable(f"'{settings.digest}' is no digest: sha256: and 64 hexadecimal digits")
        if not re.fullmatch(r"[0-9a-f]{40}", settings.commit):
            raise Unusable(f"'{settings.commit}' is no full commit SHA")
        if settings.repository and not re.fullmatch(r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+", settings.repository):
            raise Unusable(f"'{settings.repository}' is no image name: small letters, as in ghcr.io/owner/name")
        text = settings.file.read_text()
        there = only(COMMIT, text, "commit").strip('"')
        if there not in (NEVER, settings.commit) and not settings.rollback:
            if not is_ancestor(there, settings.commit, settings.file.resolve().parent):
                print(f"set_image.py: {settings.commit} doesn't come after {there}, which is there", file=sys.stderr)
                return BACKWARDS
        new = set_image(text, settings.repository, settings.digest, settings.commit)
        if new == text:
            print(f"unchanged: {settings.digest} of {settings.commit}")
            return 0
        beside = settings.file.with_name(settings.file.name + ".new")
        beside.write_text(new)
        os.replace(beside, settings.file)
        print(f"{settings.file.name}: {settings.digest} of {settings.commit} (was of {there})")
        return 0
    except (Unusable, OSError) as failure:
        print(f"set_image.py: {failure}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
