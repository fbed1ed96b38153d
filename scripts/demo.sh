#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh: sets up, builds the library and the catdog command, and classifies the pictures in examples/images with
# the shipped model. Fails when a picture gets another answer than the name of its folder. Needs no libtorch.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

"$CATDOG_ROOT/scripts/setup.sh" --build
configure release -B "$CATDOG_ROOT/build/demo" -DCATDOG_BUILD_TORCH=OFF -DCATDOG_BUILD_TRAINING=OFF \
  -DCATDOG_BUILD_SERVICE=OFF -DCATDOG_BUILD_PYTHON=OFF -DCATDOG_BUILD_TESTS=OFF
build demo

catdog="$CATDOG_ROOT/build/demo/tools/catdog"
model="$CATDOG_ROOT/models/best_model.pt"
cd "$CATDOG_ROOT/examples" || exit 2 # so that the table shows short names
"$catdog" classify --recursive --model "$model" images

# Once more by folder, to be compared with its name.
wrong=0 total=0
for folder in images/*/; do
  expected=$(basename "$folder")
  pictures=$(find "$folder" -type f | wc -l)
  verdicts=$("$catdog" classify --model "$model" --json "$folder") || die "a picture in examples/$folder could not be read"
  right=$(grep -oE "\"answer\": *\"$expected\"" <<<"$verdicts" | wc -l) || true
  total=$((total + pictures))
  wrong=$((wrong + pictures - right))
done
[ "$total" -gt 0 ] || die "no pictures in examples/images"
if [ "$wrong" -ne 0 ]; then
  printf 'demo: %d of %d pictures did not get the name of their folder as the answer\n' "$wrong" "$total" >&2
  exit 1
fi
say "the answer for all $total pictures is the name of their folder"
