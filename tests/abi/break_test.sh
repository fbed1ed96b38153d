#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# break_test.sh SOURCE_DIR BINARY_DIR WORK_DIR CC: breaks the ABI on purpose; scripts/abi_check.sh must see each break, and
# must let pass what is none.
set -euo pipefail
source_dir=$1 binary_dir=$2 work_dir=$3 cc=$4
failures=0

# expect pass|break NAME SED_SCRIPT: the check's answer on the header as the sed script changes it.
expect() {
  local answer=$1 name=$2 script=$3 outcome=pass
  local folder="$work_dir/$name"
  rm -rf "$folder"
  mkdir -p "$folder/catdog"
  sed -E "$script" "$source_dir/include/catdog/catdog.h" >"$folder/catdog/catdog.h"
  cp "$binary_dir/include/catdog/version.h" "$folder/catdog/"
  if [ -n "$script" ] && cmp -s "$source_dir/include/catdog/catdog.h" "$folder/catdog/catdog.h"; then
    printf 'FAILED: %s: the sed script changed nothing\n' "$name"
    failures=$((failures + 1))
    return
  fi
  python3 "$source_dir/tests/abi/stub.py" "$folder/catdog/catdog.h" >"$folder/stub.c"
  printf 'CATDOG_1.0 { global: catdog_*; local: *; };\n' >"$folder/stub.map"
  "$cc" -g -fPIC -shared "-I$folder" "$folder/stub.c" "-Wl,--version-script=$folder/stub.map" -Wl,-soname,libcatdog.so.1 \
    -o "$folder/libcatdog.so"
  "$source_dir/scripts/abi_check.sh" "$folder/libcatdog.so" "$folder/catdog" >"$folder/report" 2>&1 || outcome='break'
  if [ "$outcome" = break ] && ! grep -q 'breaks the ABI' "$folder/report"; then
    outcome='another failure'
  fi
  if [ "$outcome" != "$answer" ]; then
    printf 'FAILED: %s: expected %s, got %s\n' "$name" "$answer" "$outcome"
    cat "$folder/report"
    failures=$((failures + 1))
  fi
}

expect pass unchanged ''
expect pass added-function 's|^(/\*\* Creates options.*)$|CATDOG_API int32_t catdog_new_thing(void);\n\1|'
expect pass reworded-comment 's|Number of labels|Count of labels|'
expect break removed-function '/^CATDOG_API int32_t catdog_abi_version/d'
expect break renamed-function 's|catdog_result_count\(|catdog_result_size(|'
expect break inserted-field 's|^(  uint64_t row_stride;.*)$|  uint32_t extra;\n\1|'
expect break shrunk-reserve 's|reserved\[4\]|reserved[2]|'
expect break swapped-fields 's|^  int32_t width;.*$|  SWAP|; s|^  int32_t height;.*$|  int32_t width;|; s|^  SWAP|  int32_t height;|'
expect break wider-field 's|^  int32_t width;.*$|  int64_t width;|'
expect break changed-parameter 's|int32_t threads\);|int64_t threads);|'
expect break changed-result 's|^CATDOG_API double catdog_result_confidence|CATDOG_API float catdog_result_confidence|'
expect break wider-status 's|^typedef int32_t catdog_status;|typedef int64_t catdog_status;|'

[ "$failures" -eq 0 ] || exit 1
printf 'the ABI check answers 12 of 12 as it must\n'
