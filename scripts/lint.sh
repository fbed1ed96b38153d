#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lint.sh [--changed] [format] [tidy] [shell] [python] [files] [--fix]: checks the tracked files; any finding fails.
#   format  clang-format (--fix rewrites the files instead)
#   python  black, isort (--fix rewrites the files instead), flake8, mypy --strict
#   tidy    clang-tidy over the dev preset's files; what was clean before is not checked again
#   shell   shellcheck
#   files   length, white space, machine paths, licence lines
# Without a name: all five. --changed: only files that differ from the last commit.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

changed=0 fix=0 parts=()
for argument in "$@"; do
  case "$argument" in
    --changed) changed=1 ;;
    --fix) fix=1 ;;
    format | tidy | shell | python | files) parts+=("$argument") ;;
    -h | --help) usage && exit 0 ;;
    *) die "unknown argument '$argument'; see --help" ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(format tidy shell python files)
"$CATDOG_ROOT/scripts/setup.sh" --dev
cd "$CATDOG_ROOT" || exit 2
mkdir -p build/lint-cache

# tracked PATHSPEC…: NUL-separated names of the files to check that exist.
tracked() {
  if [ "$changed" -eq 1 ]; then
    git diff --name-only -z --diff-filter=d HEAD -- "$@"
  else
    git ls-files -z -- "$@" | while IFS= read -r -d '' file; do
      [ ! -f "$file" ] || printf '%s\0' "$file"
    done
  fi
}

lint_format() {
  if [ "$fix" -eq 1 ]; then
    tracked '*.c' '*.h' '*.cpp' '*.hpp' | xargs -0 -r clang-format-14 -i
  else
    tracked '*.c' '*.h' '*.cpp' '*.hpp' | xargs -0 -r clang-format-14 --dry-run -Werror
  fi
}

lint_tidy() {
  configure dev -B build/tidy -DCMAKE_UNITY_BUILD=OFF # clang-tidy reads each file alone.
  tracked '*.c' '*.cpp' | tr '\0' '\n' >build/lint-cache/files
  python3 scripts/tidy.py --root "$CATDOG_ROOT" --build build/tidy --cache build/lint-cache --jobs "$CATDOG_JOBS" \
    --only build/lint-cache/files
}

lint_shell() {
  tracked '*.sh' '.ci/run' '*.bash' | xargs -0 -r shellcheck --external-sources
}

lint_python() {
  local status=0 check=(--check)
  [ "$fix" -eq 0 ] || check=()
  tracked '*.py' | xargs -0 -r black --quiet "${check[@]}" -- || status=1
  tracked '*.py' | xargs -0 -r isort --quiet "${check[@]}" -- || status=1
  tracked '*.py' | xargs -0 -r flake8 --max-line-length=120 --extend-ignore=E203 -- || status=1
  # Not the tests and peers, whose libraries' types are loose, nor the package: tests/python checks that with a newer mypy.
  tracked '*.py' ':!tests' ':!bench/peers' ':!bindings/python/catdog' |
    MYPYPATH=bindings/python xargs -0 -r mypy --no-error-summary --cache-dir=build/lint-cache/mypy -- || status=1
  return "$status"
}

# report MESSAGE: fails, with the findings from standard input under the message, when there are any.
report() {
  local findings
  findings=$(cat)
  [ -n "$findings" ] || return 0
  printf '%s:\n%s\n' "$1" "$findings" >&2
  return 1
}

lint_files() {
  set +o pipefail # a grep that finds nothing fails; what counts is what report() reads
  local status=0
  local sources=('*.c' '*.h' '*.cpp' '*.hpp' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' '.ci/run')
  tracked "${sources[@]}" | xargs -0 -r awk 'FNR == 701 { print FILENAME }' |
    report "longer than 700 lines" || status=1
  tracked "${sources[@]}" | xargs -0 -r awk '
      FNR == 1 { if (file && !found) print file; file = FILENAME; found = 0 }
      FNR <= 3 && /SPDX-License-Identifier: Apache-2.0/ { found = 1 }
      END { if (file && !found) print file }' |
    report "no SPDX-License-Identifier line at the top" || status=1
  tracked | xargs -0 -r grep -nIE '[[:blank:]]+$|'$'\r''$' -- | grep -vE '\.(svg|csv|tsv|json|ppm|pgm|patch|abi|xml):' |
    report "blanks at the end of a line" || status=1
  tracked | xargs -0 -r grep -nIE '(^|[^A-Za-z0-9_.$}])/(work|root|Users)/' -- |
    report "path of one machine" || status=1
  tracked | xargs -0 -r stat -c '%s %n' -- | awk '$1 > 16777216' |
    report "larger than 16 MiB" || status=1
  set -o pipefail
  return "$status"
}

failed=()
for part in "${parts[@]}"; do
  say "lint: $part"
  "lint_$part" || failed+=("$part")
done
if [ ${#failed[@]} -gt 0 ]; then
  printf 'lint: findings in: %s\n' "${failed[*]}" >&2
  exit 1
fi
say "lint: clean"
