#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# verify_image.sh NAME@sha256:DIGEST: fails unless the CI workflow of the main branch of $GITHUB_REPOSITORY (OWNER/NAME)
# signed that image and its list of packages (SBOM). With VERIFY_PROVENANCE=true it fails, too, unless GitHub's attestation
# says that this workflow built the image; private repositories have none. Needs cosign, and gh for the provenance.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
[ $# -eq 1 ] || die "one image, please; see --help"
[[ $1 =~ @sha256:[0-9a-f]{64}$ ]] || die "'$1' has no digest: what is checked must be what is used"
[ -n "${GITHUB_REPOSITORY:-}" ] || die "GITHUB_REPOSITORY is not set: whose signature?"
workflow="$GITHUB_REPOSITORY/.github/workflows/ci.yml"
signer=(--certificate-oidc-issuer https://token.actions.githubusercontent.com
  --certificate-identity "https://github.com/$workflow@refs/heads/main")
cosign verify --output text "${signer[@]}" "$1" >/dev/null ||
  die "$1 isn't signed by CI on main of $GITHUB_REPOSITORY (cosign's reason is above)"
cosign verify-attestation --type spdxjson "${signer[@]}" "$1" >/dev/null ||
  die "$1 has no SBOM that CI on main of $GITHUB_REPOSITORY signed (cosign's reason is above)"
if [ "${VERIFY_PROVENANCE:-}" = true ]; then
  gh attestation verify "oci://$1" --repo "$GITHUB_REPOSITORY" --signer-workflow "$workflow" >/dev/null ||
    die "$1 has no provenance that says CI of $GITHUB_REPOSITORY built it (gh's reason is above)"
fi
say "$1: signed by CI"
