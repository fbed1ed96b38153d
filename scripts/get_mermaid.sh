#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# get_mermaid.sh: prints the path of build/tools/mermaid.min.js, which it takes from npm (checked against its SHA-512), for
# the test that renders the diagrams of docs/.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

file="$CATDOG_ROOT/build/tools/mermaid.min.js"
if [ ! -f "$file" ]; then
  package=mermaid@12.3.0
  sha512=e35d774dd5de2c0b0caee27bf4ea452f93bcf8b4c55e142a676eb4ac5ded8149a2340b519b852e99ed3823eeb93d137ac99ebd2787fcad56165bccd193ae5463
  command -v npm >/dev/null || die "no npm to get $package with (apt-get install npm)"
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  (cd "$folder" && npm pack --silent "$package" >/dev/null) || die "npm can't fetch $package (its reason is above)"
  archive=$(echo "$folder"/*.tgz)
  printf '%s  %s\n' "$sha512" "$archive" | sha512sum --check --status || die "$package has another checksum than expected"
  mkdir -p "$(dirname "$file")"
  tar -xzOf "$archive" package/dist/mermaid.min.js >"$file.new"
  mv "$file.new" "$file"
fi
printf '%s\n' "$file"
