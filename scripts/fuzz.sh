#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh SECONDS [TARGET…]: builds the fuzz preset and runs every target (or only those named) for that many seconds
# each: tests/fuzz/TARGET_fuzz.cpp. A finding fails and leaves the input in build/fuzz/artifacts.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

case "${1:-}" in
  -h | --help) usage && exit 0 ;;
  '' | *[!0-9]*) usage >&2 && die "how many seconds?" ;;
esac
seconds=$1
shift
targets=(image model capi multipart json oip session)
[ $# -gt 0 ] || set -- "${targets[@]}"
for target in "$@"; do
  [ -f "$CATDOG_ROOT/tests/fuzz/${target}_fuzz.cpp" ] || die "no fuzz target named '$target'; there are: ${targets[*]}"
done

"$CATDOG_ROOT/scripts/setup.sh" --dev
configure fuzz
build fuzz --target make_seeds "${@/#/fuzz_}"
folder="$CATDOG_ROOT/build/fuzz"
find_binary() { find "$folder" -name "$1" -type f -perm -u+x | head -n 1; }
mkdir -p "$folder/artifacts"
"$(find_binary make_seeds)" "$folder/seeds"

export ASAN_OPTIONS="detect_leaks=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:${UBSAN_OPTIONS:-}"
[ ! -f "$CATDOG_ROOT/tests/lsan.supp" ] || export LSAN_OPTIONS="suppressions='$CATDOG_ROOT/tests/lsan.supp'"

run_target() {
  local target=$1 max_len=65536 dictionary="$CATDOG_ROOT/tests/fuzz/dictionaries/$1.dict"
  mkdir -p "$folder/corpus/$target"
  [ "$target" != image ] || max_len=1048576 # Decoders read files in blocks.
  local arguments=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len="$max_len" -print_final_stats=1 -verbosity=1
    -artifact_prefix="$folder/artifacts/$target-")
  [ ! -f "$dictionary" ] || arguments+=(-dict="$dictionary")
  "$(find_binary "fuzz_$target")" "${arguments[@]}" "$folder/corpus/$target" "$folder/seeds/$target" >"$folder/$target.log" 2>&1
}

# One target for each CPU at a time.
declare -A running=()
failed=()
finish_one() {
  local process target status=0
  wait -n -p process "${!running[@]}" || status=$?
  target=${running[$process]}
  unset "running[$process]"
  say "fuzz_$target, $seconds s"
  if [ "$status" -eq 0 ]; then
    grep -E '^(Done|stat::number_of_executed_units)' "$folder/$target.log" || true
  else
    tail -n 60 "$folder/$target.log"
    failed+=("$target")
  fi
}
for target in "$@"; do
  [ ${#running[@]} -lt "$(nproc)" ] || finish_one
  run_target "$target" &
  running[$!]=$target
done
while [ ${#running[@]} -gt 0 ]; do finish_one; done
[ ${#failed[@]} -eq 0 ] || die "findings in: ${failed[*]} (inputs: build/fuzz/artifacts, logs: build/fuzz/*.log)"
