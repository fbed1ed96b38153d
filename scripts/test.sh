#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test.sh [-R REGEX] [CTEST ARGUMENTS…]: sets up, builds the dev preset and runs the tests.
# Tests that need ../shared/data are skipped, and named, where it is absent.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

"$CATDOG_ROOT/scripts/setup.sh" --dev
configure dev
build dev
run_ctest dev "$@"
