# SPDX-License-Identifier: Apache-2.0
"""The SimpleCNN of a model file in eager PyTorch: the layers of catdog.json, the weights of its TorchScript part."""

import json
from typing import Any

import torch
from torch import nn


def read_entries(path: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """What catdog.json says, and the weights by name."""
    extra = {"catdog.json": ""}
    module = torch.jit.load(path, map_location="cpu", _extra_files=extra)
    return json.loads(extra["catdog.json"]), dict(module.state_dict())


def build(about: dict[str, Any], weights: dict[str, torch.Tensor]) -> nn.Module:
    """The network, ready to infer."""
    network = nn.Sequential()
    channels = 3
    for layer in about["architecture"]["layers"]:
        name = layer.get("name", "")
        made: nn.Module
        if layer["op"] == "conv2d":
            out = layer["out_channels"]
            made = nn.Conv2d(channels, out, layer["kernel"], layer.get("stride", 1), layer.get("padding", 0))
            channels = out
        elif layer["op"] == "batch_norm":
            made = nn.BatchNorm2d(channels, eps=layer.get("eps", 1e-5))
        elif layer["op"] == "linear":
            made = nn.Linear(channels, layer["out_features"])
            channels = layer["out_features"]
        elif layer["op"] == "relu":
            made = nn.ReLU(inplace=True)
        elif layer["op"] == "max_pool":
            made = nn.MaxPool2d(layer["kernel"], layer.get("stride", layer["kernel"]))
        elif layer["op"] == "global_avg_pool":
            made = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        elif layer["op"] == "dropout":
            made = nn.Dropout(layer.get("p", 0.5))
        else:
            raise ValueError(f"this peer has no layer {layer['op']!r}: give it a model of the kind of SimpleCNN")
        if name:
            own = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}
            missing, unexpected = made.load_state_dict(own, strict=False)
            if unexpected or any(key != "num_batches_tracked" for key in missing):
                raise ValueError(f"the weights of {name} don't fit: missing {missing}, unexpected {unexpected}")
        network.append(made)
    return network.eval()
