#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_torch2.sh [CTEST ARGUMENTS…]: builds and tests with LibTorch 2 (the version in tests/delivery/workflows/torch2.txt, from
# PyPI, into build/venv/torch2) instead of Debian's 1.13, in build/torch2. Without the Python bindings, whose interpreter
# has another torch.
# Environment: CATDOG_TORCH_INDEX, a package index beside pip's own, such as PyTorch's of builds without CUDA.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

"$CATDOG_ROOT/scripts/setup.sh" --dev
[ -z "${CATDOG_TORCH_INDEX:-}" ] || export PIP_EXTRA_INDEX_URL=$CATDOG_TORCH_INDEX
python_environment torch2 "$CATDOG_ROOT/tests/delivery/workflows/torch2.txt"
torch=$("$CATDOG_ROOT/build/venv/torch2/bin/python" -c 'import torch; print(torch.utils.cmake_prefix_path)')
configure dev -B "$CATDOG_ROOT/build/torch2" -DTorch_DIR="$torch/Torch" -DCATDOG_BUILD_PYTHON=OFF -DCATDOG_BUILD_BENCH=OFF
build torch2
run_ctest torch2 --label-exclude '^(delivery|contract)$' "$@"
