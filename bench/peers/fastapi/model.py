# SPDX-License-Identifier: Apache-2.0
"""The SimpleCNN of a model file in eager PyTorch: the layers of catdog.json, the weights of weights.safetensors."""

import json
import struct
import zipfile
from typing import Any

import numpy as np
import torch
from torch import nn


def read_entries(path: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """What catdog.json says, and the weights by name."""
    with zipfile.ZipFile(path) as archive:
        top = archive.namelist()[0].split("/")[0]
        about = json.loads(archive.read(f"{top}/extra/catdog.json"))
        raw = archive.read(f"{top}/extra/weights.safetensors")
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:][:size])
    weights = {}
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + offset for offset in tensor["data_offsets"])
        values = np.frombuffer(raw[begin:end], dtype="<f4").reshape(tensor["shape"])
        weights[name] = torch.from_numpy(values.copy())
    return about, weights


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
