#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# release_notes.sh TAG: prints the section of CHANGELOG.md for TAG (v1.2.3). Fails if CMakeLists.txt has another version, or
# CHANGELOG.md no such section.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
[ $# -eq 1 ] || die "one tag, please; see --help"
[[ $1 =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "$(printf '%q' "$1") is no tag of a release: v and three numbers, as in v1.2.3"
version=${1#v}
[ "$version" = "$(project_version)" ] || die "CMakeLists.txt has version $(project_version), not $version"
notes=$(sed -n "/^## \[${version//./\\.}\]/,/^## \[/{/^## \[/d;p}" "$CATDOG_ROOT/CHANGELOG.md")
[[ $notes =~ [^[:space:]] ]] || die "CHANGELOG.md has no section '## [$version]': move there what [Unreleased] lists"
printf '%s\n' "$notes"
