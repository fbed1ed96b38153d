#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a checkpoint of the field's SimpleCNN as its training scripts do, with the logits that eager PyTorch gives.

    make_checkpoints.py OUTPUT.pt OUTPUT.json [--channels 4,4,8,8] [--hidden 8] [--size 32] [--classes 2] [--seed 1]

The JSON holds the architecture's numbers, the state-dict names and the logits for golden images 1..8 (ImageNet
normalisation). How the committed pairs were made:

    make_checkpoints.py torch113.pt torch113.json     # with PyTorch 1.13
    make_checkpoints.py torch213.pt torch213.json     # with PyTorch 2.13
"""
import argparse
import collections
import json
import os
import sys

import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib", "model"))
from golden_reference import golden_image  # noqa: E402


class SimpleCNN(nn.Module):
    def __init__(self, channels, hidden, classes):
        super().__init__()
        before = 3
        for number, after in enumerate(channels, 1):
            block = nn.Sequential(
                nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)
            )
            setattr(self, f"conv{number}", block)
            before = after
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Flatten(), nn.Linear(before, hidden), nn.ReLU(), nn.Dropout(0.5), nn.Linear(hidden, classes)
        )

    def forward(self, x):
        return self.fc(self.pool(self.conv4(self.conv3(self.conv2(self.conv1(x))))))


def golden_input(seed, size):
    pixels = torch.tensor(list(golden_image(seed, size, size)), dtype=torch.float64).view(size, size, 3)
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)
    std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)
    return ((pixels / 255 - mean) / std).permute(2, 0, 1).unsqueeze(0).float()


def trained_a_little(model, size, classes):
    """A few steps, so that batch-norm's statistics and the optimizer's state are those of real training."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    model.train()
    for _ in range(4):
        images = nn.functional.interpolate(torch.randn(4, 3, 4, 4), size=size) + 0.2 * torch.randn(4, 3, size, size)
        loss = nn.functional.cross_entropy(model(images), torch.arange(4) % classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    with torch.no_grad():
        model.fc[-1].weight.mul_(20)  # Logits that differ clearly from image to image.
    model.eval()
    return optimizer, scheduler, loss.item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("json")
    parser.add_argument("--channels", default="4,4,8,8")
    parser.add_argument("--hidden", type=int, default=8)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    channels = [int(c) for c in args.channels.split(",")]
    model = SimpleCNN(channels, args.hidden, args.classes)
    optimizer, scheduler, loss = trained_a_little(model, args.size, args.classes)
    torch.save(
        {
            "epoch": 4,
            "model_state_dict": model.state_dict(),
            "optimizer_state_dict": optimizer.state_dict(),
            "scheduler_state_dict": scheduler.state_dict(),
            "loss": loss,
            "best_acc": -1,
            "class_names": ("cat", "dog"),
            "config": {"lr": 1e-2, "nested": [{"deep": collections.OrderedDict(a=[1, None, True])}], "seen": {1, 2}},
        },
        args.checkpoint,
    )
    with torch.no_grad():
        logits = [model(golden_input(seed, args.size))[0].tolist() for seed in range(1, 9)]
    numbers = {
        "channels": channels,
        "hidden": args.hidden,
        "size": args.size,
        "classes": args.classes,
        "names": list(model.state_dict()),
        "logits": logits,
    }
    with open(args.json, "w", encoding="utf-8") as file:
        file.write(json.dumps(numbers) + "\n")


if __name__ == "__main__":
    main()
