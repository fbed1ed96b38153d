#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check-deps.sh [--update] [FILE…]: what the built libraries and commands ask of the system they run on: direct
# dependencies and the newest symbol version of glibc, libstdc++ and the compiler's run-time. Compared with the committed list
# scripts/deps.txt, so that a new dependency or a higher floor is a decision; --update writes the list anew.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

update=0 files=()
for argument in "$@"; do
  case "$argument" in
    --update) update=1 ;;
    -h | --help) usage && exit 0 ;;
    -*) die "unknown option '$argument'; see --help" ;;
    *) files+=("$argument") ;;
  esac
done
build="$CATDOG_ROOT/build/dev"
[ ${#files[@]} -gt 0 ] || files=("$build/capi/libcatdog.so" "$build/capi/libcatdog-torch.so" "$build/tools/catdog")

# describe FILE: one line for each dependency and each floor.
describe() {
  local name=${1##*/}
  readelf -d "$1" | sed -nE "s/.*\(NEEDED\).*\[(.*)\]/$name needs \1/p" | LC_ALL=C sort
  local family
  for family in GLIBC GLIBCXX CXXABI GCC OMP GOMP; do
    { objdump -T "$1" | grep -oE "[( ]${family}_[0-9][0-9.]*" || true; } | tr -d '( ' | sort -uV | tail -n 1 |
      sed "s/^/$name floor /"
  done
}

actual=$(mktemp)
trap 'rm -f "$actual"' EXIT
for file in "${files[@]}"; do
  [ -f "$file" ] || die "$file is not built; run scripts/test.sh first"
  describe "$file" >>"$actual"
done
list="$CATDOG_ROOT/scripts/deps.txt"
if [ "$update" -eq 1 ]; then
  cp "$actual" "$list"
  say "wrote scripts/deps.txt: $(wc -l <"$list") lines"
elif diff -u --label scripts/deps.txt --label "as built" "$list" "$actual"; then
  say "dependencies are those of scripts/deps.txt"
else
  die "dependencies or floors changed (above); if that is meant, run scripts/check-deps.sh --update and say why in CHANGELOG.md"
fi
