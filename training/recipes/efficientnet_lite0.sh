#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# efficientnet_lite0.sh DATA OUTPUT [CATDOG-TRAIN ARGUMENTS…]: makes models/best_model.pt (as OUTPUT/best_model.pt).
# DATA holds kaggle200.tar, neither_train.tar and label_noise.txt (models/README.md says what they are).
# CATDOG_TRAIN names the program; the default is that of the dev preset.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../../scripts/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
[ $# -ge 2 ] || die "give the data and the output folder; see --help"
data=$1 output=$2
shift 2

mkdir -p "$output"
if [ ! -f "$output/start.pth" ]; then
  "$CATDOG_ROOT/scripts/get_start_weights.sh" 0 "$output/start.pth"
  # The last layer doesn't learn: what training makes of it knows the training photos better and other photos worse. It
  # adds the head's logits and ImageNet's, and the score for neither falls with the highest logit of a cat or a dog.
  /usr/bin/python3 - "$output/start.pth" <<'PYTHON'
import sys

import torch

weights = torch.load(sys.argv[1])
weights["out.weight"] = torch.tensor([[1.0, 0, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, -1]])
weights["out.bias"] = torch.zeros(3)
torch.save(weights, sys.argv[1])
PYTHON
fi
cat "$data/label_noise.txt" "$CATDOG_ROOT/training/recipes/kept_out.txt" >"$output/exclude.txt"

train=${CATDOG_TRAIN:-$CATDOG_ROOT/build/dev/training/catdog-train}
"$train" --name efficientnet-lite0 --version-name 0.2.0 \
  --data "$data/kaggle200.tar" --negatives "$data/neither_train.tar" --exclude "$output/exclude.txt" \
  --architecture "$CATDOG_ROOT/training/architectures/efficientnet-lite0.json" --output "$output" \
  --init "$output/start.pth" --init-rows classes=_fc:281-285,151-268 --freeze classes --freeze out \
  --freeze _conv_stem --freeze _bn0 --freeze _blocks --freeze _conv_head --freeze _bn1 \
  --image-size 240 --mean 0.4980392156862745,0.4980392156862745,0.4980392156862745 \
  --std 0.5019607843137255,0.5019607843137255,0.5019607843137255 \
  --epochs 24 --views 2 --batch-size 256 --learning-rate 0.001 --weight-decay 0.01 --ema 0.99 --label-smoothing 0.05 \
  --crop 0.5 --colour 0.3 --degrade 0.4 --threads 1 --loader-threads 2 --seed 1 "$@"
"$train" quantize "$output/best_model.pt" --data "$data/kaggle200.tar" --exclude "$output/exclude.txt" \
  --output "$output/best_model.pt"
