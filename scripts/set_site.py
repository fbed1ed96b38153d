#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sets what only you know in k8s/ and monitoring/: repository, host of the API, where alerts go.

The shipped values end in .invalid, which no resolver knows: an unedited manifest reaches nobody. --check lists those
that are left and exits with 1 if there are any.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

FOLDERS = ("k8s", "monitoring")
PLACEHOLDER = re.compile(r"[\w./:-]*\.invalid[\w./:-]*")


def replacements(settings: argparse.Namespace) -> dict[str, str]:
    made = {}
    if settings.repository:
        owner, _, name = settings.repository.partition("/")
        # Registries want small letters.
        made["ghcr.invalid/owner/"] = f"ghcr.io/{owner.lower()}/"
        made["github.invalid/owner/binaryimageclassification"] = f"github.com/{owner}/{name}"
    if settings.host:
        made["classifier.invalid"] = settings.host
    if settings.alerts_url:
        made["https://alerts.invalid"] = settings.alerts_url.rstrip("/")
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repository", metavar="OWNER/NAME", help="on GitHub")
    parser.add_argument("--host", metavar="NAME", help="of the API, such as cats.example.com")
    parser.add_argument("--alerts-url", metavar="URL", help="receives POST /page, /ticket and /heartbeat")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help="checkout to write in")
    parser.add_argument("--check", action="store_true", help="list the placeholders that are left")
    settings = parser.parse_args()
    for value, form in (
        (settings.repository, r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+"),
        (settings.host, r"[a-z0-9-]+(\.[a-z0-9-]+)+"),
        (settings.alerts_url, r"https?://[\w./:@%~-]+"),
    ):
        if value is not None and not re.fullmatch(form, value):
            parser.error(f"'{value}' doesn't have the form that --help shows")
    if not settings.check and not replacements(settings):
        parser.error("nothing to set; see --help")
    left = 0
    for folder in FOLDERS:
        for path in sorted((settings.root / folder).rglob("*")):
            if path.suffix not in (".yaml", ".yml", ".json") and path.name != "Kustomization":
                continue
            text = path.read_text()
            changed = text
            for old, new in replacements(settings).items():
                changed = changed.replace(old, new)
            if changed != text:
                path.write_text(changed)
            for placeholder in sorted(set(PLACEHOLDER.findall(changed))) if settings.check else ():
                print(f"{path.relative_to(settings.root)}: {placeholder}")
                left += 1
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
