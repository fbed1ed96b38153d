#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# inference.sh FOLDER [ARGUMENTS…]: the library next to ONNX Runtime, OpenVINO and PyTorch on the photos in FOLDER
# (bench/peers/inference.py). Installs the peers into build/venv/peers and builds the dev preset. PyTorch takes part
# when build/venv/peers has torch, which this doesn't install: `build/venv/peers/bin/pip install torch`.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../../scripts/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
[ $# -ge 1 ] || die "name a folder of photos; see --help"

"$CATDOG_ROOT/scripts/setup.sh" --dev
python_environment peers "$CATDOG_ROOT/tests/delivery/peers/requirements.txt"
configure dev
build dev
PYTHONPATH="$CATDOG_ROOT/build/dev/python" exec "$CATDOG_ROOT/build/venv/peers/bin/python" \
  "$CATDOG_ROOT/bench/peers/inference.py" "$@"
