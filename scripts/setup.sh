#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh [--runtime | --build | --service | --torch | --dev | --packages | --contract | --delivery | --cross]…: installs what is needed from Debian's packages.
#   --runtime  what an installed libcatdog needs to run
#   --build    what is needed to build the library and the catdog command (scripts/demo.sh)
#   --service  that, and what is needed to build the HTTP service
#   --torch    libtorch, for the trainer, the importer and the torch engine
#   --packages what scripts/build_packages.sh needs besides
#   --contract what scripts/contract_tests.sh needs besides
#   --delivery what scripts/delivery_tests.sh needs besides
#   --cross    what scripts/cross_build.sh needs besides
#   --dev      all of it, and what tests, lint, sanitizers, fuzzing and coverage need (the default)
# A second run finds everything in place and takes less than a second. Uses sudo when not root.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

runtime=(
  libopencv-core406 libopencv-imgproc406            # resize and colour
  libdnnl2 libgomp1                                 # the native engine
  libjpeg62-turbo libpng16-16 libgif7               # codecs
  libwebp7
  libzip4 libssl3                                   # the model file and its checksum
)
build=(
  g++ cmake ninja-build pkg-config                  # tools
  libopencv-core-dev libopencv-imgproc-dev          # resize and colour; not imgcodecs: 90 more packages
  libdnnl-dev                                       # the native engine
  libjpeg-dev libturbojpeg0-dev libpng-dev libwebp-dev libgif-dev # codecs
  libzip-dev nlohmann-json3-dev libssl-dev          # the model file and its checksum
  libcli11-dev                                      # the command line
)
service=(
  libboost1.81-dev prometheus-cpp-dev libspdlog-dev libssl-dev
)
torch=(
  libtorch-dev                                      # trainer, importer, torch engine
  libarchive-dev                                    # training pictures straight from a tar
)
dev=(
  pybind11-dev python3-dev                          # the Python bindings
  git ca-certificates ccache binutils               # nm and readelf for the symbol tests
  libgtest-dev libgmock-dev libbenchmark-dev        # tests and benchmarks
  python3 python3-torch python3-numpy python3-pil   # golden numbers and the importer's test
  python3-pytest python3-venv                       # tests of the bindings and the wheel
  python3-yaml                                      # tests of workflows, manifests and rules
  black isort flake8 mypy                           # lint of the Python files
  clang-14 clang-format-14 clang-tidy-14            # lint; clang also builds the fuzz targets
  libclang-rt-14-dev llvm-14 libomp-14-dev          # sanitizer run-times, llvm-symbolizer, omp.h for clang
  abigail-tools                                     # abidiff
  cppcheck shellcheck gcovr                         # lint, coverage
  doxygen                                           # the reference of the interfaces
  minisign strace                                   # the tests of signed models and of silence
  rustc                                             # the example in docs/embedding.md
)

packages=(
  help2man lintian dpkg-dev debootstrap             # Debian packages and their test
)

cross=(
  crossbuild-essential-arm64 debootstrap fakeroot   # a compiler for arm64, and what it links
  qemu-user-static                                  # runs what it made
)

contract=(
  prometheus chromium chromium-driver               # promtool; the page's test
)

delivery=(
  prometheus prometheus-alertmanager                # with promtool and amtool
  python3-matplotlib                                # the dashboards as pictures
  buildah debootstrap                               # the container image
  chromium                                          # draws the diagrams
)
# npm, for kubectl; it may be there without being Debian's.
command -v npm >/dev/null || delivery+=(npm)

[ $# -gt 0 ] || set -- --dev
wanted=()
for role in "$@"; do
  case "$role" in
    --runtime) wanted+=("${runtime[@]}") ;;
    --build) wanted+=("${build[@]}") ;;
    --service) wanted+=("${build[@]}" "${service[@]}") ;;
    --torch) wanted+=("${build[@]}" "${torch[@]}") ;;
    --packages) wanted+=("${packages[@]}") ;;
    --cross) wanted+=("${cross[@]}") ;;
    --contract) wanted+=("${contract[@]}") ;;
    --delivery) wanted+=("${delivery[@]}") ;;
    --dev) wanted+=("${build[@]}" "${service[@]}" "${torch[@]}" "${dev[@]}") ;;
    -h | --help) usage && exit 0 ;;
    *) die "unknown option '$role'; see --help" ;;
  esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  die "only Debian, Ubuntu and their like (apt-get) are supported; elsewhere install the libraries that $0 names"
fi

missing=()
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
for package in "${wanted[@]}"; do
  grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || die "not root and no sudo; as root run: apt-get install ${missing[*]}"
  as_root=(sudo)
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y
  -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600)

say "installing ${#missing[@]} packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Quiet while all goes well; the whole of apt's log when it doesn't.
if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  die "apt-get failed (its reason is above); needed: ${missing[*]}"
fi
