#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pin_compose_images.sh [FILE]: writes the digest that the registry has for its tag behind each image of others in
# docker-compose.yml (or FILE). Run it again after a change of a tag. Needs docker with buildx, and the registries.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
file=${1:-$CATDOG_ROOT/docker-compose.yml}
[ -f "$file" ] || die "no such file: $file"
command -v docker >/dev/null || die "docker is not installed"

images=$(sed -nE 's/^ +image: ([a-z][^$@]*)(@.*)?$/\1/p' "$file")
[ -n "$images" ] || die "$file names no image"
text=$(<"$file")
for image in $images; do
  digest=$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}') || die "no answer for $image"
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || die "'$digest' is no digest of $image"
  text=$(sed -E "s#^( +image: ${image//./\\.})(@.*)?\$#\\1@$digest#" <<<"$text")
  say "$image@$digest"
done
# Only when all are known.
printf '%s\n' "$text" >"$file"
