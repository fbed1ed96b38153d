#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cross_build.sh [--test]: compiles the library, the command and the service for arm64 on a machine of another kind, into
# build/arm64. --test also classifies the sample images and starts the service, in QEMU. Installs the compiler; the
# libraries come from Debian 12's packages for arm64, unpacked into build/arm64-root. Takes root for apt-get alone.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
test=0
case "${1:-}" in
  '') ;;
  -h | --help) usage && exit 0 ;;
  --test) test=1 ;;
  *) die "unknown option '$1'; see --help" ;;
esac

"$CATDOG_ROOT/scripts/setup.sh" --service --cross
root="$CATDOG_ROOT/build/arm64-root" triplet=aarch64-linux-gnu
if [ ! -f "$root/complete" ]; then
  say "Debian 12's libraries for arm64"
  rm -rf "$root"
  libraries=libopencv-core-dev,libopencv-imgproc-dev,libdnnl-dev,libjpeg-dev,libturbojpeg0-dev,libpng-dev,libwebp-dev
  libraries+=,libgif-dev,libzip-dev,libssl-dev,libgomp1,prometheus-cpp-dev,libspdlog-dev,libstdc++-12-dev,libc6-dev
  libraries+=,nlohmann-json3-dev,libcli11-dev,libboost1.81-dev,zlib1g-dev
  # The first stage downloads; the second would run programs for arm64, and isn't needed to compile.
  fakeroot debootstrap --foreign --arch=arm64 --variant=minbase --include="$libraries" bookworm "$root" \
    "${CATDOG_MIRROR:-http://deb.debian.org/debian}" >"$CATDOG_ROOT/build/arm64-root.log" 2>&1 ||
    die "debootstrap failed; its reasons are in build/arm64-root.log"
  for package in "$root"/var/cache/apt/archives/*.deb; do dpkg-deb --extract "$package" "$root"; done
  # What an installation would link.
  for name in blas lapack; do
    ln -sf "$name/lib$name.so.3" "$root/usr/lib/$triplet/lib$name.so.3"
  done
  # Links that name a path from the root of the system that this is none of.
  find "$root/usr/lib" -lname '/*' | while read -r link; do
    ln -sfn "$root$(readlink "$link")" "$link"
  done
  touch "$root/complete"
fi

say "build for arm64"
PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_LIBDIR="$root/usr/lib/$triplet/pkgconfig:$root/usr/share/pkgconfig" \
  configure release -B build/arm64 \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_SYSROOT="$root" \
  -DCMAKE_C_COMPILER="$triplet-gcc" -DCMAKE_CXX_COMPILER="$triplet-g++" -DCMAKE_LIBRARY_ARCHITECTURE="$triplet" \
  -DCMAKE_FIND_ROOT_PATH="$root" -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER \
  -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY \
  -DCATDOG_WERROR=ON -DCATDOG_BUILD_TORCH=OFF -DCATDOG_BUILD_TRAINING=OFF -DCATDOG_BUILD_PYTHON=OFF
cmake --build "$CATDOG_ROOT/build/arm64" --parallel "$CATDOG_JOBS"
file=$(readelf -h "$CATDOG_ROOT/build/arm64/tools/catdog")
grep -q AArch64 <<<"$file" || die "this is no program for arm64: $file"

if [ "$test" -eq 1 ]; then
  say "the sample images, in QEMU"
  run=(qemu-aarch64-static -L "$root" -E "LD_LIBRARY_PATH=$root/usr/lib/$triplet:$root/usr/lib/$triplet/blas:$root/usr/lib/$triplet/lapack")
  for model in best_model simple_cnn; do
    answers=$("${run[@]}" "$CATDOG_ROOT/build/arm64/tools/catdog" classify --model "$CATDOG_ROOT/models/$model.pt" \
      "$CATDOG_ROOT"/examples/images/{cat/chelsea.png,dog/dog.jpg})
    printf '%s\n' "$answers"
    [[ $answers == *"chelsea.png: cat "*"dog.jpg: dog "* ]] || die "$model answers otherwise on arm64"
  done
  "${run[@]}" "$CATDOG_ROOT/build/arm64/service/catdog-server" --version
fi
