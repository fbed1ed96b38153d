#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# abi_check.sh [--update] [LIBRARY [HEADER_FOLDER]]: compares the library's ABI with capi/abi/catdog-1.abi; whatever
# would break a program that is already compiled fails, additions don't. Default: the dev preset's library, built first.
# --update writes the baseline anew: after an addition, or together with a new CATDOG_ABI_VERSION.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

update=0
case "${1:-}" in
  -h | --help) usage && exit 0 ;;
  --update) update=1 && shift ;;
esac
command -v abidiff >/dev/null || die "abidiff is missing: install abigail-tools (scripts/setup.sh --dev does)"
library=${1:-}
headers=${2:-$CATDOG_ROOT/include/catdog}
if [ -z "$library" ]; then
  configure dev
  build dev --target catdog
  library="$CATDOG_ROOT/build/dev/capi/libcatdog.so"
fi
[ -f "$library" ] || die "no such library: $library"
baseline="$CATDOG_ROOT/capi/abi/catdog-1.abi"

if [ "$update" -eq 1 ]; then
  # Only what the public header declares, and nothing of the machine that wrote it.
  abidw --exported-interfaces-only --headers-dir "$headers" --drop-private-types --no-corpus-path \
    --no-comp-dir-path --type-id-style hash "$library" | sed -e "s|path='$CATDOG_ROOT/|path='|" -e "s|path='\(\.\./\)*|path='|" >"$baseline.new"
  mv "$baseline.new" "$baseline"
  say "wrote ${baseline#"$CATDOG_ROOT"/}"
  exit 0
fi

# abidiff answers 4 for an addition and for a break alike: additions are left out, then anything but 0 is a break.
status=0
report=$(abidiff --no-added-syms --exported-interfaces-only --headers-dir1 "$CATDOG_ROOT/include/catdog" \
  --headers-dir2 "$headers" "$baseline" "$library" 2>&1) || status=$?
if [ "$status" -ne 0 ]; then
  printf '%s\n' "$report" >&2
  # Bits 1 and 2 are errors of abidiff itself, and so is a signal: no verdict on the library.
  case "$status" in 4 | 8 | 12) ;; *) die "abidiff failed with status $status" ;; esac
  printf 'abi_check.sh: %s breaks the ABI of %s (abidiff: %d)\n' "$library" "${baseline#"$CATDOG_ROOT"/}" "$status" >&2
  exit 1
fi
say "the ABI is the baseline's, or more"
