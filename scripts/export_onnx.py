#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a model file as ONNX, for other runtimes.

export_onnx.py MODEL.pt MODEL.onnx

Input "image": float32 [N, 3, height, width], normalised as the metadata "input" says (docs/model-format.md). Outputs:
"probabilities" [N, labels], calibrated, and "neither" [N, 1] where the model has that score. The metadata also hold
"labels" and "calibration". Needs numpy and onnx; no torch.
"""

import argparse
import hashlib
import json
import sys
import zipfile
from typing import Any

import numpy as np
import onnx  # type: ignore[import]
from onnx import TensorProto, helper, numpy_helper

Layer = dict[str, Any]
OPSET = 17


class Archive:
    """A model file: its catdog.json, and its weights by name."""

    def __init__(self, path: str) -> None:
        self._zip = zipfile.ZipFile(path)
        entry = next((name for name in self._zip.namelist() if name.endswith("/extra/catdog.json")), None)
        if entry is None:
            raise ValueError(f"{path} has no catdog.json: it isn't a model file of this project")
        self._top = entry.split("/", maxsplit=1)[0]
        self.config: dict[str, Any] = json.loads(self._zip.read(entry))
        if self.config["format_version"] != 2:
            raise ValueError(f"{path} has format version {self.config['format_version']}; this reads 2")

    def weight(self, name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        """A tensor of the state dict, as float32."""
        facts = self.config["weights"][name]
        data = self._zip.read(f"{self._top}/{facts['entry']}")
        if hashlib.sha256(data).hexdigest() != facts["sha256"]:
            raise ValueError(f"the weights '{name}' are not those that the file lists")
        if facts["type"] == "bf16":
            values = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(data, {"f32": "<f4", "f16": "<f2"}[facts["type"]]).astype(np.float32)
        return values.reshape(facts["shape"])


class Graph:
    """ONNX nodes, made layer by layer."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Adds a node; returns the name of its output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, name: str, values: Any) -> str:
        """Adds a constant; returns its name."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _weight(self, name: str) -> str:
        return self.constant(name, self._archive.weight(name))

    def layer(self, index: int, layer: Layer, source: str, ids: dict[str, str]) -> str:
        """Adds one layer that reads the value `source`."""
        out = f"layer{index}"
        match layer["op"]:
            case "conv2d":
                inputs = [source, self._weight(layer["name"] + ".weight")]
                if layer.get("bias", True):
                    inputs.append(self._weight(layer["name"] + ".bias"))
                return self.node("Conv", inputs, out, group=layer.get("groups", 1), **window(layer, 1))
            case "batch_norm":
                parts = [layer["name"] + end for end in (".weight", ".bias", ".running_mean", ".running_var")]
                inputs = [source, *(self._weight(part) for part in parts)]
                return self.node("BatchNormalization", inputs, out, epsilon=layer.get("eps", 1e-5))
            case "relu":
                return self.node("Relu", [source], out)
            case "relu6":
                low = self.constant(out + "_low", np.float32(0))
                return self.node("Clip", [source, low, self.constant(out + "_high", np.float32(6))], out)
            case "add":
                return self.node("Add", [source, ids[layer["from"]]], out)
            case "max_pool" | "avg_pool" as kind:
                name = "MaxPool" if kind == "max_pool" else "AveragePool"
                return self.node(name, [source], out, **window(layer, layer["kernel"]))
            case "global_avg_pool":
                pooled = self.node("GlobalAveragePool", [source], out + "_pooled")
                return self.node("Flatten", [pooled], out)
            case "linear":
                flat = self.node("Flatten", [source], out + "_flat")
                inputs = [flat, self._weight(layer["name"] + ".weight")]
                if layer.get("bias", True):
                    inputs.append(self._weight(layer["name"] + ".bias"))
                return self.node("Gemm", inputs, out, transB=1)
            case "log_sum_exp":
                return self._log_sum_exp(source, layer, out)
            case "concat":
                return self.node("Concat", [source, *(ids[name] for name in layer["from"])], out, axis=1)
            case "dropout":
                return source
        raise ValueError(f"layer {index} is a '{layer['op']}', which this doesn't know")

    def _log_sum_exp(self, source: str, layer: Layer, out: str) -> str:
        sharpness = np.float32(layer.get("sharpness", 1))
        scaled = self.node("Mul", [source, self.constant(out + "_sharpness", sharpness)], out + "_scaled")
        parts, begin = [], 0
        for index, size in enumerate(layer["groups"]):
            ends = [self.constant(f"{out}_{k}{index}", np.array([v])) for k, v in (("a", begin), ("b", begin + size))]
            axis = self.constant(f"{out}_axis{index}", np.array([1]))
            part = self.node("Slice", [scaled, *ends, axis], f"{out}_slice{index}")
            parts.append(self.node("ReduceLogSumExp", [part], f"{out}_sum{index}", axes=[1], keepdims=1))
            begin += size
        joined = self.node("Concat", parts, out + "_joined", axis=1)
        return self.node("Div", [joined, out + "_sharpness"], out)


def window(layer: Layer, stride: Any) -> dict[str, Any]:
    """Kernel, stride and padding as ONNX has them."""

    def pair(value: Any) -> list[int]:
        return list(value) if isinstance(value, list) else [value, value]

    padding = layer.get("padding", 0)
    pads = padding if isinstance(padding, list) and len(padding) == 4 else pair(padding) * 2
    return {
        "kernel_shape": pair(layer["kernel"]),
        "strides": pair(layer.get("stride", stride)),
        "pads": pads,
    }


def to_onnx(archive: Archive) -> onnx.ModelProto:
    """The network with its calibration."""
    config = archive.config
    size, labels, calibration = config["input"], config["labels"], config.get("calibration", {})
    graph = Graph(archive)
    value = "image"
    ids: dict[str, str] = {}
    for index, layer in enumerate(config["architecture"]["layers"]):
        value = graph.layer(index, layer, ids[layer["input"]] if "input" in layer else value, ids)
        if "id" in layer:
            ids[layer["id"]] = value
    axis = graph.constant("axis", np.array([1]))
    ends = [graph.constant("labels_begin", np.array([0])), graph.constant("labels_end", np.array([len(labels)]))]
    logits = graph.node("Slice", [value, *ends, axis], "logits")
    temperature = graph.constant("temperature", np.float32(calibration.get("temperature", 1)))
    graph.node("Softmax", [graph.node("Div", [logits, temperature], "tempered")], "probabilities", axis=1)
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(labels)])]
    if "neither" in calibration:
        end = graph.constant("outputs_end", np.array([len(labels) + 1]))
        score = graph.node("Slice", [value, ends[1], end, axis], "neither_logit")
        graph.node("Sigmoid", [score], "neither")
        outputs.append(helper.make_tensor_value_info("neither", TensorProto.FLOAT, ["N", 1]))
    shape = ["N", 3, size["height"], size["width"]]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    made = helper.make_model(
        helper.make_graph(graph.nodes, config.get("name", ""), [image], outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
        producer_name="catdog",
    )
    kept = {name: calibration[name] for name in ("abstain_below", "neither") if name in calibration}
    facts = {"labels": labels, "input": size, "calibration": kept}
    helper.set_model_props(made, {name: json.dumps(fact) for name, fact in facts.items()})
    onnx.checker.check_model(made, full_check=True)
    return made


def main() -> int:
    """Exit status 1 when the file can't be exported."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="model file")
    parser.add_argument("output", help="ONNX file to write")
    settings = parser.parse_args()
    try:
        onnx.save(to_onnx(Archive(settings.model)), settings.output)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        print(f"export_onnx.py: {settings.model}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
