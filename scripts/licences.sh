#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# licences.sh BUILD OUTPUT [LIBRARY…]: collects the licences of what others wrote and a package of this project contains:
# of each Debian package with a header that BUILD (a Ninja build folder) compiled, and of each that a LIBRARY is from.
# Writes OUTPUT/PACKAGE.txt for each, and OUTPUT/libraries.txt: which library is whose. The compiler's own run-time and the system's headers ask for no notice.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
[ $# -ge 2 ] || die "give a build folder and a folder to write to; see --help"
build=$1 output=$2
shift 2

# owner_of FILE: the Debian package. A file may be an alternative's link, and /lib a link to /usr/lib.
owner_of() {
  local real
  real=$(realpath "$1")
  for file in "$real" "${real#/usr}"; do
    dpkg -S "$file" 2>/dev/null | sed -E 's/(:[a-z0-9]+)?: .*//' | head -n 1 | grep . && return
  done
  die "no Debian package owns $1: its licence is not known"
}

mkdir -p "$output"
headers=$(ninja -C "$build" -t deps | grep -oE '^ +/usr/[^ ]+' | sort -u) || die "$build has compiled nothing"
# shellcheck disable=SC2086 # Words, on purpose: Debian's paths have no spaces.
packages=$(dpkg -S $headers 2>/dev/null | sed -E 's/(:[a-z0-9]+)?: .*//' | sort -u |
  grep -vE '^(libc6-dev|linux-libc-dev|libstdc\+\+-[0-9]+-dev|libgcc-[0-9]+-dev|(lib)?python3.*-dev)$')
: >"$output/libraries.txt"
for library in "$@"; do
  owner=$(owner_of "$library")
  echo "$(basename "$(realpath "$library")") $owner" >>"$output/libraries.txt"
  packages+=" $owner"
done
for package in $packages; do
  file=/usr/share/doc/$package/copyright
  [ -s "$file" ] || die "the licence of $package is not installed: $file is missing"
  cp -L "$file" "$output/$package.txt"
done
say "licences of $(find "$output" -name '*.txt' ! -name libraries.txt | wc -l) packages"
