#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cd_kube_config.sh FILE: writes the environment's KUBE_CONFIG, as it is or in base64, into FILE, readable by its owner
# alone. Fails without one: a deployment that nobody can look at is not a deployment.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
[ $# -eq 1 ] || die "one file, please; see --help"
[ -n "${KUBE_CONFIG:-}" ] || die "the secret KUBE_CONFIG is not set: without it nobody can see whether the cluster runs the image"
umask 077
if grep -q '^apiVersion:' <<<"$KUBE_CONFIG"; then
  printf '%s\n' "$KUBE_CONFIG" >"$1"
elif ! base64 --decode <<<"$KUBE_CONFIG" >"$1" 2>/dev/null || ! grep -q '^apiVersion:' "$1"; then
  rm -f "$1"
  die "the secret KUBE_CONFIG is no kubeconfig: neither YAML with a line apiVersion: nor the base64 of it"
fi
