# SPDX-License-Identifier: Apache-2.0
"""debian_changelog.py CHANGELOG.md VERSION CONTACT OUTPUT: the project's changelog in Debian's form.

What is unreleased belongs to VERSION; its date is SOURCE_DATE_EPOCH's or that of the last commit, so that equal sources
give equal packages."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
import textwrap
from email.utils import format_datetime
from pathlib import Path

HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d\d-\d\d))?$", re.M)


def unreleased_date(changelog: Path) -> datetime.datetime:
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not seconds:
        command = ["git", "-C", str(changelog.parent), "log", "-1", "--format=%ct"]
        seconds = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return datetime.datetime.fromtimestamp(int(seconds or changelog.stat().st_mtime), datetime.timezone.utc)


def entry(version: str, date: datetime.datetime, contact: str, text: str) -> str:
    items = re.findall(r"^- (.*(?:\n  .*)*)", text, re.M)
    if not items:
        raise SystemExit(f"CHANGELOG.md: nothing is listed under {version}")
    lines = [
        textwrap.fill(" ".join(item.split()), 78, initial_indent="  * ", subsequent_indent="    ") for item in items
    ]
    return (
        f"catdog ({version}) unstable; urgency=medium\n\n"
        + "\n".join(lines)
        + f"\n\n -- {contact}  {format_datetime(date)}\n"
    )


def main() -> None:
    source, version, contact, output = Path(sys.argv[1]), *sys.argv[2:4], Path(sys.argv[4])
    text = source.read_text(encoding="utf-8")
    headings = list(HEADING.finditer(text))
    entries = []
    for heading, following in zip(headings, [*headings[1:], None]):
        date = unreleased_date(source)
        if heading["date"]:
            date = datetime.datetime.fromisoformat(heading["date"]).replace(tzinfo=datetime.timezone.utc)
        body = text[heading.end() : following.start() if following else len(text)]
        if heading["date"] or body.strip():
            entries.append(entry(heading["version"] if heading["date"] else version, date, contact, body))
    output.write_text("\n".join(entries), encoding="utf-8")


if __name__ == "__main__":
    main()
