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

# weights SOURCE HEAD PRIOR BIAS TARGET: the state dict of SOURCE with a last layer that doesn't learn. It adds HEAD times
# the head's logits, PRIOR times ImageNet's and a bias; the score for neither falls with the highest logit of a cat or a
# dog. What training makes of this layer knows the training photos better and other photos worse.
weights() {
  /usr/bin/python3 - "$@" <<'PYTHON'
import sys

import torch

source, target = sys.argv[1], sys.argv[5]
head, prior, bias = map(float, sys.argv[2:5])
try:
    weights = dict(torch.jit.load(source).state_dict())
except RuntimeError:
    weights = torch.load(source)
weights["out.weight"] = torch.tensor([[head, 0, prior, 0, 0], [0, head, 0, prior, 0], [0, 0, 0, 0, -1]])
weights["out.bias"] = torch.tensor([bias, -bias, 0])
torch.save(weights, target)
PYTHON
}

mkdir -p "$output"
cat "$data/label_noise.txt" "$CATDOG_ROOT/training/recipes/kept_out.txt" >"$output/exclude.txt"
train=${CATDOG_TRAIN:-$CATDOG_ROOT/build/dev/training/catdog-train}
common=(--name efficientnet-lite0 --version-name 0.3.0
  --data "$data/kaggle200.tar" --negatives "$data/neither_train.tar" --exclude "$output/exclude.txt"
  --architecture "$CATDOG_ROOT/training/architectures/efficientnet-lite0.json"
  --freeze _conv_stem --freeze _bn0 --freeze _blocks --freeze _conv_head --freeze _bn1 --image-size 240
  --mean "0.4980392156862745,0.4980392156862745,0.4980392156862745"
  --std "0.5019607843137255,0.5019607843137255,0.5019607843137255" --threads 1 --loader-threads 2 --seed 1)

if [ ! -f "$output/head/best_model.pt" ]; then
  "$CATDOG_ROOT/scripts/get_start_weights.sh" 0 "$output/imagenet.pth"
  weights "$output/imagenet.pth" 1 1 0 "$output/start.pth"
  "$train" "${common[@]}" --output "$output/head" --init "$output/start.pth" \
    --init-rows classes=_fc:281-285,151-268 --freeze classes --freeze out \
    --epochs 24 --views 2 --batch-size 256 --learning-rate 0.001 --weight-decay 0.01 --ema 0.99 --label-smoothing 0.05 \
    --crop 0.5 --colour 0.3 --degrade 0.4 "$@"
fi
# These factors have the lowest log loss on the validation images.
weights "$output/head/best_model.pt" 1.2 1.9 1.5 "$output/mixed.pth"
"$train" "${common[@]}" --output "$output/mixed" --init "$output/mixed.pth" --epochs 0 --overwrite
"$train" quantize "$output/mixed/best_model.pt" --data "$data/kaggle200.tar" --exclude "$output/exclude.txt" \
  --output "$output/best_model.pt"
