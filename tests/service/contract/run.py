# SPDX-License-Identifier: Apache-2.0
"""run.py TEST-FILE: what ctest calls, in the virtual environment of scripts/contract_tests.sh if there is one.

Exits with 77 (skipped) and the reason where something is missing; with CATDOG_CONTRACT_REQUIRED=1 that is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    here = Path(__file__).resolve().parent
    venv = here.parents[2] / "build" / "contract" / "venv" / "bin" / "python"
    python = str(venv) if venv.exists() else sys.executable
    runner = here.parents[1] / "python" / "run.py"
    status = subprocess.run([python, str(runner), sys.argv[1]]).returncode
    if status == 77 and os.environ.get("CATDOG_CONTRACT_REQUIRED") == "1":
        print("failed: nothing may be skipped here (CATDOG_CONTRACT_REQUIRED=1)")
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
