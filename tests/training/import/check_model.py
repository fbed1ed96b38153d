#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads a model file as any user of PyTorch would and compares it with the numbers of make_checkpoints.py."""
import json
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "golden", "checkpoints"))
from make_checkpoints import golden_input  # noqa: E402


def main():
    model_file, numbers_file = sys.argv[1:]
    with open(numbers_file, encoding="utf-8") as file:
        numbers = json.load(file)
    torch.set_num_threads(1)
    extra = {"catdog.json": ""}
    model = torch.jit.load(model_file, _extra_files=extra)
    names = sorted(name for name in numbers["names"] if not name.endswith("num_batches_tracked"))
    if sorted(model.state_dict()) != names:
        sys.exit(f"state dict: {sorted(model.state_dict())} is not {names}")
    if json.loads(extra["catdog.json"])["format"] != "catdog-model":
        sys.exit("catdog.json is not in it")
    inputs = torch.cat([golden_input(seed, numbers["size"]) for seed in range(1, 9)])
    with torch.no_grad():
        logits = model(inputs)
    worst = (logits - torch.tensor(numbers["logits"])).abs().max().item()
    if not worst <= 1e-4:
        sys.exit(f"the logits differ by {worst}")


if __name__ == "__main__":
    main()
