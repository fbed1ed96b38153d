#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# contract_tests.sh [CTEST ARGUMENTS…]: the HTTP service as others' programs see it. Installs schemathesis, Triton's
# client and selenium into build/venv/contract (tests/service/contract/requirements.txt), builds the dev preset's server
# and runs its tests of label 'contract'. Nothing may be skipped: promtool (Debian's prometheus), chromium and
# chromium-driver must be there. Logs and screenshots are in build/contract.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

"$CATDOG_ROOT/scripts/setup.sh" --dev --contract
python_environment contract "$CATDOG_ROOT/tests/service/contract/requirements.txt"
"$CATDOG_ROOT/scripts/get_swagger_ui.sh"
configure dev
build dev --target catdog-server catdog-cli
export CATDOG_NO_SKIPS=1
run_ctest dev --label-regex '^contract$' "$@"
