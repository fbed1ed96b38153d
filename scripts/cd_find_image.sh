#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cd_find_image.sh --owner OWNER --tag SHA: asks the registry with docker for the digest of
# ghcr.io/OWNER/binaryimageclassification:SHA, has its signature checked, and prints image=… and digest=… (also into
# $GITHUB_OUTPUT).
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

owner='' tag=''
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage && exit 0 ;;
    --owner | --tag) [ $# -ge 2 ] || die "$1 needs a value; see --help" ;;
    *) die "unknown argument '$1'; see --help" ;;
  esac
  case "$1" in
    --owner) owner=$2 ;;
    --tag) tag=$2 ;;
  esac
  shift 2
done
"$CATDOG_ROOT/scripts/cd_check_tag.sh" "$tag"
image=$(image_repository "$owner")
digest=$(docker buildx imagetools inspect "$image:$tag" --format '{{.Manifest.Digest}}') ||
  die "the registry has no $image:$tag (docker's reason is above): CI pushes the images of main when all its jobs pass"
# Refuses, too, what is no digest.
"$CATDOG_ROOT/scripts/verify_image.sh" "$image@$digest" >&2
printf '%s\n' "image=$image" "digest=$digest" | tee -a "${GITHUB_OUTPUT:-/dev/null}"
