#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library next to ONNX Runtime, OpenVINO and PyTorch: same weights and images, one thread, alternating in one run.

Use bench/peers/inference.sh, which installs the peers. Prints milliseconds an image, of the network alone and from the
file's bytes to the label, and each peer's time divided into the library's in the same precision: below 1 the library
is faster. int8: ONNX Runtime's static quantization, and NNCF's for OpenVINO, both calibrated on the images given.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import catdog
import cv2
import nncf
import numpy as np
import onnx
import onnxruntime
import openvino
from onnxruntime import quantization

ROOT = Path(__file__).resolve().parents[2]
Array = np.ndarray[Any, Any]
Run = Callable[[Array], Array]  # Input tensor to probabilities.


class Images:
    """Encoded images, and each as a network's input."""

    def __init__(self, folder: Path, size: dict[str, Any], most: int) -> None:
        names = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
        self.files = [path.read_bytes() for path in names[:: max(1, len(names) // most)][:most]]
        if not self.files:
            raise SystemExit(f"no images in {folder}")
        self._shape = (size["width"], size["height"])
        self._scale = 1 / (255 * np.array(size["std"], np.float32))
        self._shift = np.array(size["mean"], np.float32) / np.array(size["std"], np.float32)
        self.tensors = [self.tensor(file) for file in self.files]

    def tensor(self, file: bytes) -> Array:
        """As Python programs do it: OpenCV decodes and resizes, numpy normalises."""
        pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
        small = cv2.resize(pixels, self._shape, interpolation=cv2.INTER_AREA)
        normalised = cv2.cvtColor(small, cv2.COLOR_BGR2RGB) * self._scale - self._shift
        return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None], dtype=np.float32)


class Calibration(quantization.CalibrationDataReader):
    """Hands the tensors to ONNX Runtime."""

    def __init__(self, tensors: list[Array]) -> None:
        self._left: Iterator[Array] = iter(tensors)

    def get_next(self) -> dict[str, Array] | None:
        tensor = next(self._left, None)
        return None if tensor is None else {"image": tensor}


def onnx_runtime(path: Path) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda tensor: session.run(["probabilities"], {"image": tensor})[0]


def open_vino(model: openvino.Model) -> Run:
    model.reshape([1, *model.input(0).partial_shape[1:]])
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    return lambda tensor: request.infer([tensor], share_inputs=True)["probabilities"]


def pytorch(model: Path) -> Run | None:
    """None without torch, and for a network that fastapi/model.py doesn't build."""
    try:
        import torch
    except ImportError:
        return None
    sys.path.insert(0, str(ROOT / "bench/peers/fastapi"))
    from model import build, read_entries

    torch.set_num_threads(1)
    try:
        network = build(*read_entries(str(model)))
    except ValueError:
        return None

    def run(tensor: Array) -> Array:
        with torch.inference_mode():
            return network(torch.from_numpy(tensor))[:, :2].softmax(1).numpy()

    return run


class Own:
    """The library."""

    def __init__(self, model: Path, precision: str) -> None:
        self._classifier = catdog.Classifier(str(model), precision=precision, threads=1)
        self._labels = self._classifier.labels

    def measure(self, images: Images) -> tuple[list[float], list[float], list[int]]:
        """Milliseconds of the network, of all, and labels."""
        network, whole, labels = [], [], []
        for file in images.files:
            start = time.perf_counter()
            prediction = self._classifier.classify(file)
            whole.append((time.perf_counter() - start) * 1000)
            network.append(prediction.timings.infer_ms)
            labels.append(self._labels.index(prediction.label))
        return network, whole, labels


class Peer:
    """Another runtime."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def measure(self, images: Images) -> tuple[list[float], list[float], list[int]]:
        network, whole, labels = [], [], []
        for file in images.files:
            start = time.perf_counter()
            tensor = images.tensor(file)
            middle = time.perf_counter()
            probabilities = self._run(tensor)
            end = time.perf_counter()
            network.append((end - middle) * 1000)
            whole.append((end - start) * 1000)
            labels.append(int(probabilities[0].argmax()))
        return network, whole, labels


def contenders(model: Path, images: Images, folder: Path) -> dict[str, dict[str, Own | Peer]]:
    """By precision and name."""
    exported, quantized = folder / "model.onnx", folder / "int8.onnx"
    subprocess.run([sys.executable, ROOT / "scripts/export_onnx.py", model, exported], check=True)
    quantization.quant_pre_process(str(exported), str(folder / "prepared.onnx"), skip_symbolic_shape=True)
    quantization.quantize_static(
        str(folder / "prepared.onnx"),
        str(quantized),
        Calibration(images.tensors),
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
    )
    plain = openvino.convert_model(exported)
    int8 = nncf.quantize(openvino.convert_model(exported), nncf.Dataset(images.tensors))
    found: dict[str, dict[str, Own | Peer]] = {
        "fp32": {
            "catdog": Own(model, "fp32"),
            "ONNX Runtime": Peer(onnx_runtime(exported)),
            "OpenVINO": Peer(open_vino(plain)),
        },
        "int8": {"ONNX Runtime": Peer(onnx_runtime(quantized)), "OpenVINO": Peer(open_vino(int8))},
    }
    eager = pytorch(model)
    if eager is not None:
        found["fp32"]["PyTorch eager"] = Peer(eager)
    try:
        found["int8"]["catdog"] = Own(model, "int8")
    except catdog.Error as error:
        print(f"no int8: {error}")
        del found["int8"]
    return found


def main() -> int:
    """Prints a table; with --json one object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="folder of photos")
    parser.add_argument("--model", type=Path, default=ROOT / "models/best_model.pt")
    parser.add_argument("--most", type=int, default=64, help="images to take from the folder")
    parser.add_argument("--rounds", type=int, default=9, help="each goes once over the images with every runtime")
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    cv2.setNumThreads(1)
    size = catdog.Classifier(str(settings.model)).metadata["model"]["input"]
    images = Images(settings.images, size, settings.most)
    with tempfile.TemporaryDirectory() as scratch:
        runtimes = contenders(settings.model.absolute(), images, Path(scratch))
        times: dict[tuple[str, str], list[tuple[float, float]]] = {}
        labels: dict[tuple[str, str], list[int]] = {}
        for turn in range(settings.rounds + 1):
            for precision, group in runtimes.items():
                for name, runtime in group.items():
                    network, whole, labels[precision, name] = runtime.measure(images)
                    if turn > 0:  # The first warms up.
                        pair = (statistics.median(network), statistics.median(whole))
                        times.setdefault((precision, name), []).append(pair)
    rows = []
    for (precision, name), pairs in times.items():
        row: dict[str, Any] = {"precision": precision, "runtime": name}
        for index, part in enumerate(("network", "whole")):
            own = [pair[index] for pair in times[precision, "catdog"]]
            row[part + "_ms"] = statistics.median(pair[index] for pair in pairs)
            row[part + "_ratio"] = statistics.median(a / pair[index] for a, pair in zip(own, pairs))
        same = sum(a == b for a, b in zip(labels[precision, name], labels["fp32", "catdog"]))
        row["same_label_as_fp32"] = f"{same}/{len(images.files)}"
        rows.append(row)
    if settings.json:
        print(json.dumps({"images": len(images.files), "versions": versions(), "rows": rows}, indent=2))
        return 0
    print(f"{len(images.files)} images, {settings.rounds} rounds, one thread; {json.dumps(versions())}")
    print(f"{'':6}{'runtime':16}{'network ms':>11}{'catdog ÷':>10}{'whole ms':>11}{'catdog ÷':>10}  labels as fp32")
    for row in rows:
        print(
            f"{row['precision']:6}{row['runtime']:16}{row['network_ms']:11.3f}{row['network_ratio']:10.2f}"
            f"{row['whole_ms']:11.3f}{row['whole_ratio']:10.2f}  {row['same_label_as_fp32']}"
        )
    return 0


def versions() -> dict[str, str]:
    """Of the runtimes."""
    modules = (catdog, onnx, onnxruntime, openvino, nncf)
    return {module.__name__: module.__version__ for module in modules}


if __name__ == "__main__":
    sys.exit(main())
