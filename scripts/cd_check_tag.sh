#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cd_check_tag.sh TAG: succeeds if TAG is one that can be deployed: the full SHA of a commit, in small letters. Branches
# move and short SHAs may be ambiguous, so that nobody could say later what was meant.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
[ $# -eq 1 ] || die "one tag, please; see --help"
# All letters of the locale's alphabet would be in [a-f] in some.
LC_ALL=C
[[ $1 =~ ^[0-9a-f]{40}$ ]] || die "$(printf '%q' "$1") can't be deployed: give the full SHA of a commit, 40 of 0-9 and a-f"
