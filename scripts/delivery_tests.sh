#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# delivery_tests.sh [AREA…]: the tests of tests/delivery (all areas, or those named: k8s, monitoring, …). Installs what
# an area's requirements.txt names into build/venv/AREA, builds the dev preset and runs its tests of label 'delivery'.
# Nothing may be skipped.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

areas=("$@")
if [ ${#areas[@]} -eq 0 ]; then
  for folder in "$CATDOG_ROOT"/tests/delivery/*/; do areas+=("$(basename "$folder")"); done
fi
for area in "${areas[@]}"; do
  [ -d "$CATDOG_ROOT/tests/delivery/$area" ] || die "no tests of '$area' in tests/delivery"
done

"$CATDOG_ROOT/scripts/setup.sh" --dev --delivery
for area in "${areas[@]}"; do
  requirements="$CATDOG_ROOT/tests/delivery/$area/requirements.txt"
  [ ! -f "$requirements" ] || python_environment "$area" "$requirements"
done
! printf "%s\n" "${areas[@]}" | grep -qxE "k8s|workflows|judges" || "$CATDOG_ROOT/scripts/get_kubectl.sh" >/dev/null
! printf "%s\n" "${areas[@]}" | grep -qx diagrams || "$CATDOG_ROOT/scripts/get_mermaid.sh" >/dev/null
configure dev
build dev
export CATDOG_NO_SKIPS=1
run_ctest dev --label-regex '^delivery$' --tests-regex "^Delivery\\.($(IFS='|' && printf '%s' "${areas[*]}"))\\."
