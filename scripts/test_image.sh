#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_image.sh [--target service|torch] [--prepare] [--fresh] [PYTEST ARGUMENTS…]: builds the container image with buildah, without a
# container engine or a registry, and tests it (tests/delivery/image/built): its user, a read-only root, no capabilities,
# the smoke test, the health check, draining. The base is debootstrap's minimal Debian 12 with what makes a
# bookworm-slim of it. Needs root. The first run takes about ten minutes on two cores; what didn't change is not built again.
#   --prepare  only builds, and prints the environment to use the image with: eval "$(scripts/test_image.sh --prepare)"
#   --fresh    begins with a new base
# All of it is in build/container. Environment: CATDOG_JOBS.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

target=service prepare=0 fresh=0
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage && exit 0 ;;
    --target) [ $# -ge 2 ] || die "--target needs a value" && target=$2 && shift ;;
    --prepare) prepare=1 ;;
    --fresh) fresh=1 ;;
    *) break ;;
  esac
  shift
done
[ "$(id -u)" -eq 0 ] || die "debootstrap and mounting an image need root"
"$CATDOG_ROOT/scripts/setup.sh" --delivery 1>&2

folder="$CATDOG_ROOT/build/container"
base=docker.io/library/debian:bookworm-slim # in a storage of its own: no other image of that name is touched
mkdir -p "$folder"
use_storage() {
  printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n' "$1" "$folder/storage-$1" "$folder/run-$1" \
    >"$folder/storage.conf"
}
export CONTAINERS_STORAGE_CONF="$folder/storage.conf" BUILDAH_ISOLATION=chroot
unset STORAGE_DRIVER
use_storage overlay
# Where overlays can't be mounted, layers are whole copies.
buildah info >/dev/null 2>&1 || use_storage vfs

# make_base: what is in Docker's bookworm-slim, with this machine's own apt settings and certificates.
make_base() {
  local root="$folder/base" container mounted
  say "base: debootstrap" 1>&2
  rm -rf --one-file-system "$root"
  debootstrap --variant=minbase bookworm "$root" >"$folder/debootstrap.log" 2>&1 ||
    { tail -n 20 "$folder/debootstrap.log" >&2 && die "debootstrap failed (its reason is above)"; }
  cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
  # The security updates come from this machine's sources, if it is the same Debian.
  if grep -qx 'VERSION_CODENAME=bookworm' /etc/os-release; then
    rm -f "$root/etc/apt/sources.list"
    cp -a /etc/apt/. "$root/etc/apt/"
  fi
  mkdir -p "$root/etc/ssl/certs"
  [ ! -f /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  # As in bookworm-slim: no manuals and translations, but the licences.
  local left_out
  for left_out in doc man info locale groff lintian linda; do
    printf 'path-exclude /usr/share/%s/*\n' "$left_out"
    [ "$left_out" != doc ] || printf 'path-include /usr/share/doc/*/copyright\n'
  done >"$root/etc/dpkg/dpkg.cfg.d/docker"
  find "$root/usr/share/doc" -type f ! -name copyright -delete
  rm -rf "$root"/usr/share/{man,info,locale,groff,lintian,linda}/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
  container=$(buildah from scratch)
  mounted=$(buildah mount "$container")
  cp -a "$root/." "$mounted/"
  buildah config --cmd bash "$container"
  buildah commit --quiet --rm "$container" "$base" >/dev/null
  rm -rf --one-file-system "$root"
}
[ "$fresh" -eq 0 ] || buildah rmi --all --force >/dev/null
buildah inspect --type image "$base" >/dev/null 2>&1 || make_base

image=localhost/cats-dogs-api:$target
say "image: $target (log: build/container/build-$target.log)" 1>&2
"$CATDOG_ROOT/scripts/build_image.sh" --engine buildah --target "$target" --tag "$image" >"$folder/build-$target.log" 2>&1 ||
  { tail -n 40 "$folder/build-$target.log" >&2 && die "building the image failed (its reason is above)"; }
export CATDOG_IMAGE=$image CATDOG_IMAGE_BASE=$base
if [ "$prepare" -eq 1 ]; then
  printf 'export %s=%q\n' CONTAINERS_STORAGE_CONF "$CONTAINERS_STORAGE_CONF" BUILDAH_ISOLATION chroot \
    CATDOG_IMAGE "$image" CATDOG_IMAGE_BASE "$base"
  exit 0
fi
python_environment image "$CATDOG_ROOT/tests/delivery/image/requirements.txt"
export PYTHONPATH="$CATDOG_ROOT/tests/support/python" PYTHONDONTWRITEBYTECODE=1 CATDOG_NO_SKIPS=1
"$CATDOG_ROOT/build/venv/image/bin/python" -m pytest -p no:cacheprovider -ra --tb=short "$CATDOG_ROOT/tests/delivery/image/built" "$@"
