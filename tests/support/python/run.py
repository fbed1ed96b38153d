# SPDX-License-Identifier: Apache-2.0
"""run.py TEST-FILE [ENVIRONMENT]: what ctest calls, in the virtual environment build/venv/ENVIRONMENT if there is one.

Exits with 77 (skipped) and the reason where nothing could be tested; with CATDOG_NO_SKIPS=1 a skipped test fails.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def enter(environment: str) -> None:
    """Goes on in the virtual environment, if there is one and this isn't it."""
    folder = Path(__file__).resolve().parents[3] / "build" / "venv" / environment
    python = folder / "bin" / "python"
    if python.exists() and Path(sys.prefix) != folder:
        os.execv(python, [str(python), *sys.argv])


def main() -> int:
    if len(sys.argv) > 2:
        enter(sys.argv[2])
    required = os.environ.get("CATDOG_NO_SKIPS") == "1"
    if importlib.util.find_spec("pytest") is None:
        print(f"skipped: pytest is missing for {sys.executable} (on Debian: apt-get install python3-pytest)")
        return 1 if required else 77
    import pytest

    class Outcomes:
        """How many tests of the file ran, and what was skipped."""

        ran = 0
        skipped = 0

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            self.ran += report.when == "call" and not report.skipped
            self.skipped += report.skipped

        def pytest_collectreport(self, report: pytest.CollectReport) -> None:
            self.skipped += report.skipped

    outcomes = Outcomes()
    arguments = ["-q", "-ra", "--tb=short", "-p", "no:cacheprovider", sys.argv[1]]
    status = pytest.main(arguments, plugins=[outcomes])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return int(status)
    if required and (outcomes.skipped or not outcomes.ran):
        print("failed: nothing may be skipped here (CATDOG_NO_SKIPS=1)")
        return 1
    return 0 if outcomes.ran else 77


if __name__ == "__main__":
    sys.exit(main())
