#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# contract_tests.sh [CTEST ARGUMENTS…]: the HTTP service as others' programs see it. Installs schemathesis, Triton's
# client and selenium into build/contract/venv (tests/service/contract/requirements.txt), builds the dev preset's server
# and runs its tests of label 'contract'. Nothing may be skipped: promtool (Debian's prometheus), chromium and
# chromium-driver must be there. Logs and screenshots are in build/contract.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

"$CATDOG_ROOT/scripts/setup.sh" --dev --contract

venv="$CATDOG_ROOT/build/contract/venv"
requirements="$CATDOG_ROOT/tests/service/contract/requirements.txt"
if ! cmp -s "$requirements" "$venv/requirements.txt"; then
  say "contract: virtual environment"
  rm -rf "$venv"
  python=/usr/bin/python3
  [ -x "$python" ] || python=python3
  "$python" -m venv "$venv" || die "no virtual environment: apt-get install python3-venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" ||
    die "the packages of $requirements can't be installed (pip's reason is above)"
  cp "$requirements" "$venv/requirements.txt"
fi

configure dev
build dev --target catdog-server catdog-cli
export CATDOG_CONTRACT_REQUIRED=1
run_ctest dev --label-regex '^contract$' "$@"
