# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the other scripts: where the project is, how many jobs, messages that look alike.
set -euo pipefail

CATDOG_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
CATDOG_JOBS=${CATDOG_JOBS:-$(nproc)}
export CATDOG_ROOT CATDOG_JOBS

say() { printf '== %s\n' "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

# usage: prints the comment block at the top of the calling script, from its third line on.
usage() { sed -n '3,/^[^#]/{/^# shellcheck/d;/^#/s/^# \{0,1\}//p}' "$0"; }

# project_version: as CMakeLists.txt has it.
project_version() {
  local version
  version=$(sed -n 's/^project(catdog VERSION \([0-9.]*\).*/\1/p' "$CATDOG_ROOT/CMakeLists.txt")
  [ -n "$version" ] || die "no version in CMakeLists.txt"
  printf '%s\n' "$version"
}

# image_repository OWNER: where the image of the service is, in small letters, as registries want it.
image_repository() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9-]*$ ]] || die "$(printf '%q' "$1") is no owner of a repository"
  printf 'ghcr.io/%s/binaryimageclassification\n' "${1,,}"
}

# configure PRESET [CMAKE ARGUMENTS…]: quiet unless it fails; ccache where there is one.
configure() {
  local preset=$1
  shift
  if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER:-ccache}
    export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER:-ccache}
  fi
  # Debian's Python, for which setup.sh installs numpy, Pillow and pytest, whatever else comes first in PATH.
  [ ! -x /usr/bin/python3 ] || set -- -DPython_EXECUTABLE=/usr/bin/python3 "$@"
  local log status=0
  log=$(cd "$CATDOG_ROOT" && cmake --preset "$preset" "$@" 2>&1) || status=$?
  if [ "$status" -ne 0 ]; then
    printf '%s\n' "$log" >&2
    die "configuring the preset '$preset' failed (CMake's reason is above)"
  fi
}

# python_environment NAME REQUIREMENTS: the virtual environment build/venv/NAME has what the file names.
python_environment() {
  local venv="$CATDOG_ROOT/build/venv/$1" requirements=$2 python=/usr/bin/python3
  ! cmp -s "$requirements" "$venv/requirements.txt" || return 0
  say "virtual environment: $1"
  rm -rf "$venv"
  [ -x "$python" ] || python=python3
  "$python" -m venv "$venv" || die "no virtual environment: apt-get install python3-venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" ||
    die "the packages of $requirements can't be installed (pip's reason is above)"
  cp "$requirements" "$venv/requirements.txt"
}

# build FOLDER [CMAKE --build ARGUMENTS…]
build() {
  local folder=$1
  shift
  cmake --build "$CATDOG_ROOT/build/$folder" --parallel "$CATDOG_JOBS" "$@"
}

# run_ctest FOLDER [CTEST ARGUMENTS…]: names the skipped tests and repeats ctest's own result as the last lines.
run_ctest() {
  local folder="$CATDOG_ROOT/build/$1" status=0
  shift
  ctest --test-dir "$folder" --parallel "$CATDOG_JOBS" --output-on-failure --no-tests=error "$@" 2>&1 |
    tee "$folder/ctest.log" || status=$?
  local skipped
  skipped=$(sed -nE 's/^.*Test +#[0-9]+: (.*[^. ]) \.*\*\*\*(Skipped|Not Run).*/\1/p' "$folder/ctest.log")
  if [ -n "$skipped" ]; then
    say "skipped, $(wc -l <<<"$skipped") (they need ../shared/data, or packages that scripts/contract_tests.sh and delivery_tests.sh install):"
    printf '%s\n' "$skipped"
  fi
  grep -aE '^[0-9]+% tests passed' "$folder/ctest.log" || true
  return "$status"
}
