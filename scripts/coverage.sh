#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# coverage.sh [--fail-under PERCENT]: line coverage of lib/ and capi/ by the tests; fails below 90 %.
# The report by line is build/coverage/html/index.html.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

threshold=90
while [ $# -gt 0 ]; do
  case "$1" in
    --fail-under) threshold=${2:?--fail-under needs a number} && shift 2 ;;
    -h | --help) usage && exit 0 ;;
    *) die "unknown option '$1'; see --help" ;;
  esac
done

"$CATDOG_ROOT/scripts/setup.sh" --dev
configure coverage
build coverage
# Counts of an earlier run would hide what this run no longer reaches.
find "$CATDOG_ROOT/build/coverage" -name '*.gcda' -delete
run_ctest coverage

cd "$CATDOG_ROOT" || exit 2
mkdir -p build/coverage/html
gcovr --root . --object-directory build/coverage --filter 'lib/' --filter 'capi/' \
  --exclude-throw-branches --gcov-ignore-parse-errors --print-summary --fail-under-line "$threshold" \
  --json-summary build/coverage/summary.json --html-details build/coverage/html/index.html \
  -j "$CATDOG_JOBS" build/coverage
