#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sanitize.sh asan-ubsan|tsan [-R REGEX] [CTEST ARGUMENTS…]: builds that preset and runs the tests in it.
# asan-ubsan finds memory errors, leaks and undefined behaviour; tsan finds data races.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

preset=${1:-}
case "$preset" in
  asan-ubsan | tsan) shift ;;
  -h | --help) usage && exit 0 ;;
  *) usage >&2 && die "which sanitizer: asan-ubsan or tsan?" ;;
esac

"$CATDOG_ROOT/scripts/setup.sh" --dev
configure "$preset"
build "$preset"

# The options are split at blanks and colons: quote the paths, which may hold either.
export ASAN_OPTIONS="detect_leaks=1:check_initialization_order=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:${UBSAN_OPTIONS:-}"
# The server ends by _exit() on a second signal, and when nobody reads its log: its threads are not joined then.
tsan="halt_on_error=1:second_deadlock_stack=1:report_thread_leaks=0"
[ ! -f "$CATDOG_ROOT/tests/tsan.supp" ] || tsan+=":suppressions='$CATDOG_ROOT/tests/tsan.supp'"
export TSAN_OPTIONS="$tsan:${TSAN_OPTIONS:-}"
[ ! -f "$CATDOG_ROOT/tests/lsan.supp" ] || export LSAN_OPTIONS="suppressions='$CATDOG_ROOT/tests/lsan.supp'"

run_ctest "$preset" "$@"
