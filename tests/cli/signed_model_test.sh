#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# signed_model_test.sh CATDOG MODEL: signs a copy of the model with minisign itself, and has the command check it.
set -euo pipefail
catdog=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$2" "$folder/model.pt"
cd "$folder"
export HOME=$folder # minisign keeps its secret key there.
minisign -G -W -p minisign.pub >/dev/null
minisign -S -m model.pt -t "for the test" >/dev/null
key=$(cat minisign.pub)

"$catdog" verify model.pt --trusted-key "$key"
"$catdog" info model.pt --trusted-key "$(tail -n 1 minisign.pub)" >/dev/null
printf x >>model.pt
code=0
"$catdog" verify model.pt --trusted-key "$key" || code=$?
[ "$code" -eq 3 ] || { echo "a tampered model ended with $code instead of 3" >&2 && exit 1; }
