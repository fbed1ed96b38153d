#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# consumer_test.sh shared|static|source ROOT BUILD: what other people's builds do with this library.
#   shared  BUILD installed, moved, and used through find_package, components and pkg-config; the examples run
#   static  the same with a static library, of which only the C interface may be seen
#   source  the project as a part of another build (FetchContent, which is add_subdirectory)
set -euo pipefail
kind=$1 root=$2 build=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat_image="$root/examples/images/cat/chelsea.png"
dog_image="$root/examples/images/dog/dog.jpg"
export CMAKE_GENERATOR=Ninja CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-2}
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
unset CATDOG_MODEL

fail() {
  printf 'consumer_test.sh %s: %s\n' "$kind" "$*" >&2
  exit 1
}
# quiet LOG COMMAND…: its output only when it fails.
quiet() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 || { cat "$log" >&2 && fail "failed: $*"; }
}
# expect TEXT COMMAND…: the command's output has a line that starts with TEXT.
expect() {
  local text=$1 output
  shift
  output=$("$@" 2>&1) || fail "failed: $*: $output"
  grep -q "^$text" <<<"$output" || fail "expected '$text' from $*, got: $output"
}
# refused TEXT COMMAND…: the command fails and says TEXT.
refused() {
  local text=$1 output
  shift
  if output=$("$@" 2>&1); then fail "should have failed: $*"; fi
  grep -q -- "$text" <<<"$output" || fail "expected '$text' from $*, got: $output"
}

use_prefix() {
  local prefix=$1
  quiet examples.log cmake -S "$root/examples" -B examples -DCMAKE_PREFIX_PATH="$prefix"
  quiet examples.log cmake --build examples
  expect 'cat 0' examples/classify_file "$cat_image"
  expect 'dog 0' examples/classify_memory "$prefix/share/catdog/best_model.pt" "$dog_image"
  expect "$dog_image: dog" examples/classify_files "$cat_image" "$dog_image"
  expect "$cat_image: cat" examples/threads "$cat_image" "$dog_image"
  expect 'dog, [1-9]' examples/custom_log log.txt "$dog_image"
  [ -s log.txt ] || fail "custom_log wrote no log"
  expect '320x240: ' examples/classify_pixels_opencv
  mkdir make
  cp "$root/examples/pkg_config/Makefile" make/
  PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name catdog.pc)") \
    quiet make.log make -C make VPATH="$root/examples" LDFLAGS="-Wl,-rpath,$(dirname "$(find "$prefix" -name 'libcatdog.*' | head -n 1)")"
  expect 'cat 0' make/classify_file "$cat_image"
  if grep -rnE '#include [<"](opencv|torch|dnnl|nlohmann)' "$prefix/include"; then fail "a header asks for a dependency's"; fi
  if grep -rnF "$build" "$prefix/lib/cmake" "$prefix/lib/pkgconfig"; then fail "a path of the build folder is installed"; fi
}

# no_build_paths FILE…: but for debug information, which a package strips.
no_build_paths() {
  local file
  for file in "$@"; do
    cp -L "$file" stripped
    strip --strip-debug stripped
    if grep -aF -e "$root/" -e "$build/" stripped | strings | grep -F -e "$root/" -e "$build/"; then fail "$file holds these"; fi
  done
}

# probe EXTRA…: configures a project that does find_package(catdog EXTRA…).
probe() {
  mkdir -p probe
  printf 'cmake_minimum_required(VERSION 3.18)\nproject(probe C)\nfind_package(catdog %s)\n' "$*" >probe/CMakeLists.txt
  cmake -S probe -B probe/build --fresh -DCMAKE_PREFIX_PATH="$PWD/moved"
}

case $kind in
  shared)
    quiet install.log cmake --install "$build" --prefix "$PWD/first"
    mv first moved
    use_prefix "$PWD/moved"
    expect "$dog_image: dog" moved/bin/catdog classify "$dog_image"
    quiet c_only.log cmake -S "$root/tests/install/c_only" -B c_only -DCMAKE_PREFIX_PATH="$PWD/moved"
    quiet c_only.log cmake --build c_only
    for program in linked loaded; do
      [ "$(c_only/$program "$dog_image")" = $'dog\ndog' ] || fail "$program: $(c_only/$program "$dog_image" 2>&1)"
    done
    readelf -d examples/classify_file | grep -q 'NEEDED.*libcatdog.so.1' || fail "the program doesn't ask for the SONAME"
    quiet probe.log probe 0.1 REQUIRED
    refused 'version' probe 0.2 REQUIRED
    refused 'nonsense' probe REQUIRED COMPONENTS nonsense
    rm -f moved/lib/catdog/libcatdog-torch.so
    refused 'torch' probe REQUIRED COMPONENTS torch
    mkdir -p moved/lib/catdog
    touch moved/lib/catdog/libcatdog-torch.so
    quiet probe.log probe REQUIRED COMPONENTS torch
    rm moved/share/catdog/best_model.pt
    refused "moved/share/catdog/best_model.pt" examples/classify_file "$cat_image"
    no_build_paths moved/lib/libcatdog.so.1 moved/bin/catdog
    ;;
  static)
    quiet configure.log cmake -S "$root" -B build -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DCATDOG_BUILD_TORCH=OFF \
      -DCATDOG_BUILD_TRAINING=OFF -DCATDOG_BUILD_TOOLS=OFF -DCATDOG_BUILD_SERVICE=OFF -DCATDOG_BUILD_PYTHON=OFF \
      -DCATDOG_BUILD_TESTS=OFF -DCATDOG_WERROR=ON
    quiet build.log cmake --build build
    quiet install.log cmake --install build --prefix "$PWD/prefix"
    seen=$(nm -g --defined-only prefix/lib/libcatdog.a | awk 'NF == 3 && $3 !~ /^catdog_/ { print $3 }')
    [ -z "$seen" ] || fail "more than the C interface is seen: $seen"
    no_build_paths prefix/lib/libcatdog.a
    refused JPEG cmake -S "$root/examples" -B lacking -DCMAKE_PREFIX_PATH="$PWD/prefix" -DCMAKE_DISABLE_FIND_PACKAGE_JPEG=ON
    refused 'needs libdnnl' cmake -S "$root/examples" -B lacking -DCMAKE_PREFIX_PATH="$PWD/prefix" -DCATDOG_dnnl_LIBRARY=
    export CATDOG_MODEL="$PWD/prefix/share/catdog/best_model.pt" # A program's folder has none.
    use_prefix "$PWD/prefix"
    if readelf -d examples/classify_file | grep -q 'NEEDED.*catdog'; then fail "the program is not linked statically"; fi
    ;;
  source)
    quiet configure.log cmake -S "$root/examples/cmake_project" -B build -DCMAKE_DISABLE_FIND_PACKAGE_catdog=ON -DCMAKE_BUILD_TYPE=Release
    quiet build.log cmake --build build --target my_program
    expect 'dog 0' build/my_program "$dog_image"
    [ ! -d build/_deps/catdog-build/tools ] || fail "the tools are built as a part of another project"
    mkdir -p other/oneapi/dnnl
    touch other/dnnl.hpp
    printf '#define DNNL_VERSION_MAJOR 3\n#define DNNL_VERSION_MINOR 5\n' >other/oneapi/dnnl/dnnl_version.h
    refused 'has oneDNN 3\.5; this library needs oneDNN 2' cmake -S "$root" -B other/build -DCATDOG_DNNL_INCLUDE_DIR="$PWD/other"
    # A guest leaves the host's settings and its installation alone, also when it is configured again.
    for time in first second; do
      expect "-- own: STATIC_LIBRARY, build type ''" cmake -S "$root/tests/install/host" -B host -DCATDOG_ROOT="$root"
      if grep -E '^BUILD_SHARED_LIBS|^CMAKE_BUILD_TYPE:[A-Z]*=.' host/CMakeCache.txt; then fail "the guest set this, the $time time"; fi
    done
    quiet host.log cmake --build host --target program
    quiet host.log cmake --install host --prefix "$PWD/prefix"
    files=$(find prefix -type f | sort | paste -s)
    [ "$files" = $'prefix/bin/program\tprefix/share/catdog/best_model.pt' ] || fail "the guest is in the host's installation: $files"
    expect '' host/program
    ;;
  *) fail "no such kind" ;;
esac
