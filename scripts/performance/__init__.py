# SPDX-License-Identifier: Apache-2.0
"""The parts of simulate_performance.py; the standard library is all they need."""
