#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# verify_image.sh NAME@sha256:DIGEST: fails unless the CI workflow of the main branch of $GITHUB_REPOSITORY (OWNER/NAME)
# signed that image. Needs cosign.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
[ $# -eq 1 ] || die "one image, please; see --help"
[[ $1 =~ @sha256:[0-9a-f]{64}$ ]] || die "'$1' has no digest: what is checked must be what is used"
[ -n "${GITHUB_REPOSITORY:-}" ] || die "GITHUB_REPOSITORY is not set: whose signature?"
cosign verify --output text \
  --certificate-oidc-issuer https://token.actions.githubusercontent.com \
  --certificate-identity "https://github.com/$GITHUB_REPOSITORY/.github/workflows/ci.yml@refs/heads/main" \
  "$1" >/dev/null || die "$1 isn't signed by CI on main of $GITHUB_REPOSITORY (cosign's reason is above)"
say "$1: signed by CI"
