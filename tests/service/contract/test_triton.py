# SPDX-License-Identifier: Apache-2.0
"""Triton's own client, which KServe's users have too: probes, metadata and inference in both forms of the protocol."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from harness import CAT, DOG, Server, labels_of_the_command

numpy = pytest.importorskip("numpy", reason="numpy is missing: scripts/contract_tests.sh installs it")
httpclient = pytest.importorskip(
    "tritonclient.http", reason="tritonclient[http] is missing: scripts/contract_tests.sh installs it"
)
from tritonclient.utils import InferenceServerException  # noqa: E402

IMAGES = [DOG, CAT, DOG]
OUTPUTS = ("label", "probabilities", "confidence", "status", "answer", "reason", "neither")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture()
def client(server: Server) -> Iterator[object]:
    with httpclient.InferenceServerClient(server.url.removeprefix("http://")) as connected:
        yield connected


@pytest.fixture()
def model(client) -> str:
    """The one model's name; the protocol's server metadata doesn't have it, its errors do."""
    with pytest.raises(InferenceServerException) as refused:
        client.get_model_metadata("there is none of this name")
    return str(refused.value).split("'")[1]


def tensor(images: list[bytes], binary: bool) -> object:
    values = numpy.array(images, dtype=numpy.object_)
    image = httpclient.InferInput("image", [len(images)], "BYTES")
    if binary:
        return image.set_data_from_numpy(values, binary_data=True)
    encoded = numpy.array([base64.b64encode(image) for image in images], dtype=numpy.object_)
    return image.set_data_from_numpy(encoded, binary_data=False)


def test_probes_and_metadata(client, model: str) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    server = client.get_server_metadata()
    assert server["name"] == "catdog-server"
    assert "binary_tensor_data" in server["extensions"]
    assert client.is_model_ready(model)
    about = client.get_model_metadata(model)
    assert [(tensor["name"], tensor["datatype"]) for tensor in about["inputs"]] == [("image", "BYTES")]
    assert [tensor["name"] for tensor in about["outputs"]] == list(OUTPUTS)
    version = about["versions"][0]
    assert client.is_model_ready(model, version)
    assert client.get_model_metadata(model, version) == about
    assert not client.is_model_ready("there is none of this name")
    assert not client.is_model_ready(model, "9.9.9")


@pytest.mark.parametrize("binary_output", [False, True], ids=["json_output", "binary_output"])
@pytest.mark.parametrize("binary_input", [False, True], ids=["json_input", "binary_input"])
def test_labels_are_those_of_the_command(client, model: str, binary_input: bool, binary_output: bool) -> None:
    outputs = [httpclient.InferRequestedOutput(name, binary_data=binary_output) for name in OUTPUTS]
    images = [image.read_bytes() for image in IMAGES]
    answer = client.infer(model, [tensor(images, binary_input)], outputs=outputs, request_id="seven")
    assert answer.get_response()["id"] == "seven"
    labels = [label.decode() if isinstance(label, bytes) else label for label in answer.as_numpy("label")]
    assert labels == labels_of_the_command(IMAGES) == ["dog", "cat", "dog"]
    probabilities = answer.as_numpy("probabilities")
    assert probabilities.shape == (3, 2)
    assert probabilities.dtype == numpy.float32
    assert numpy.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert numpy.allclose(probabilities.max(axis=1), answer.as_numpy("confidence"), atol=1e-6)
    answers = [answer_.decode() if isinstance(answer_, bytes) else answer_ for answer_ in answer.as_numpy("answer")]
    assert answers == labels
    assert (answer.as_numpy("neither") < 0.5).all()
    assert [bytes(s) if isinstance(s, bytes) else s.encode() for s in answer.as_numpy("status")] == [b"ok"] * 3


def test_one_bad_image_of_two(client, model: str) -> None:
    answer = client.infer(model, [tensor([b"no image", DOG.read_bytes()], True)])
    assert list(answer.as_numpy("label")) == [b"", b"dog"]
    assert list(answer.as_numpy("status")) == [b"not-a-picture", b"ok"]


def test_errors_reach_the_client(client, model: str) -> None:
    with pytest.raises(InferenceServerException, match="not an image") as refused:
        client.infer(model, [tensor([b"no image"], True)])
    assert refused.value.status() == "415"
    with pytest.raises(InferenceServerException, match="named 'image'"):
        wrong = httpclient.InferInput("pixels", [1], "BYTES")
        wrong.set_data_from_numpy(numpy.array([b"x"], dtype=numpy.object_))
        client.infer(model, [wrong])
