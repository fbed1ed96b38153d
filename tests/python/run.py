# SPDX-License-Identifier: Apache-2.0
"""run.py TEST-FILE: what ctest calls. Exits with 77 (skipped) and the reason where nothing could be tested."""

from __future__ import annotations

import importlib.util
import sys


def main() -> int:
    if importlib.util.find_spec("pytest") is None:
        print(f"skipped: pytest is missing for {sys.executable} (on Debian: apt-get install python3-pytest)")
        return 77
    import pytest

    class Outcomes:
        """Whether any test of the file ran."""

        ran = 0

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            self.ran += report.when == "call" and not report.skipped

    outcomes = Outcomes()
    arguments = ["-q", "-ra", "--tb=short", "-p", "no:cacheprovider", sys.argv[1]]
    status = pytest.main(arguments, plugins=[outcomes])
    no_tests = status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) and outcomes.ran == 0
    return 77 if no_tests else int(status)


if __name__ == "__main__":
    sys.exit(main())
