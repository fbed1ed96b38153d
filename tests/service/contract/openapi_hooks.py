# SPDX-License-Identifier: Apache-2.0
"""What JSON Schema can't say: which bytes are an image, and what parts of an inference request must agree."""

from __future__ import annotations

import base64
from pathlib import Path

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "images"
GIF = base64.b64decode("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=")
IMAGES = [GIF, (EXAMPLES / "dog" / "dog.jpg").read_bytes()]
BASE64 = [base64.b64encode(image).decode() for image in IMAGES]
images = st.sampled_from(IMAGES)

for media_type in ("image/*", "application/octet-stream"):
    schemathesis.openapi.media_type(media_type, images)


def is_positive(case: schemathesis.Case) -> bool:
    return case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE


def make_images(case: schemathesis.Case) -> None:
    if isinstance(case.body, dict) and "image" in case.body:
        case.body["image"] = BASE64[len(case.body["image"]) % 2]
    if isinstance(case.body, dict) and "images" in case.body:
        case.body["images"] = [BASE64[len(text) % 2] for text in case.body["images"]]


def make_tensor(case: schemathesis.Case) -> None:
    """As many images as the shape says, framed as the header says, no output twice."""
    if not isinstance(case.body, dict) or not isinstance(case.body.get("inputs"), list):
        case.headers["Inference-Header-Content-Length"] = "0"
        return
    case.headers.pop("Inference-Header-Content-Length", None)
    for tensor in case.body["inputs"]:
        count = 1 + int(tensor["shape"][0]) % 3
        tensor["shape"] = [count] + [1] * (len(tensor["shape"]) - 1)
        tensor["data"] = [BASE64[i % 2] for i in range(count)]
        tensor.get("parameters", {}).pop("binary_data_size", None)
    if "outputs" in case.body:
        case.body["outputs"] = list({output["name"]: output for output in case.body["outputs"]}.values())


@schemathesis.hook
def map_case(context: schemathesis.HookContext, case: schemathesis.Case) -> schemathesis.Case:
    """Requests that are meant to be taken become ones that can be; nobody is refused for wanting it in 1 ms."""
    if is_positive(case) and case.path.endswith("/infer"):
        make_tensor(case)
    elif is_positive(case) and case.path in ("/predict", "/explain") and case.media_type == "application/json":
        make_images(case)
    deadline = str(case.headers.get("X-Request-Timeout-Ms", "")) if case.headers else ""
    if deadline.isdigit() and 0 < int(deadline) < 60000:
        case.headers["X-Request-Timeout-Ms"] = "60000"
    return case


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """A header that the document doesn't know is no reason to refuse a request."""
    return "x-schemathesis-unknown-property" not in (case.headers or {})
