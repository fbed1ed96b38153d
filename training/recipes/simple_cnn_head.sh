#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# simple_cnn_head.sh DATA FIRST TEACHER OUTPUT [CATDOG-TRAIN ARGUMENTS…]: makes models/simple_cnn.pt (as
# OUTPUT/best_model.pt) of a SimpleCNN that knows cats and dogs alone (FIRST): its head is trained again, with an output
# for neither, by the model file TEACHER. DATA is what efficientnet_lite0.sh takes; CATDOG_TRAIN names the program.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../../scripts/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
[ $# -ge 4 ] || die "give data, first model, teacher and output folder; see --help"
data=$1 first=$2 teacher=$3 output=$4
shift 4

mkdir -p "$output"
cat "$data/label_noise.txt" "$CATDOG_ROOT/training/recipes/kept_out.txt" >"$output/exclude.txt"

train=${CATDOG_TRAIN:-$CATDOG_ROOT/build/dev/training/catdog-train}
"$train" --name simplecnn --version-name 0.2.0 \
  --data "$data/kaggle200.tar" --negatives "$data/neither_train.tar" --exclude "$output/exclude.txt" \
  --architecture "$CATDOG_ROOT/training/architectures/simplecnn_neither.json" --output "$output" \
  --init "$first" --init-rows fc.4=fc.4:0-1 --freeze conv1 --freeze conv2 --freeze conv3 --freeze conv4 \
  --teacher-model "$teacher" --distill-weight 0.7 --image-size 128 --epochs 30 --views 1 --batch-size 256 \
  --learning-rate 0.002 --weight-decay 0.01 --ema 0.99 --label-smoothing 0 --crop 0.7 --colour 0.2 --degrade 0.2 \
  --threads 1 --loader-threads 2 --seed 1 "$@"
"$train" quantize "$output/best_model.pt" --data "$data/kaggle200.tar" --exclude "$output/exclude.txt" \
  --output "$output/best_model.pt"
