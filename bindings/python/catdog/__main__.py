# SPDX-License-Identifier: Apache-2.0
"""python -m catdog: the catdog command."""

from ._command import main

if __name__ == "__main__":
    main()
