# SPDX-License-Identifier: Apache-2.0
"""The peer: FastAPI and eager PyTorch with the same weights, input size and preprocessing as catdog-server.

Done the way that is quickest without leaving the stack: one thread of torch for each process, Pillow's scaled
decoding of JPEG files, inference_mode, a plain endpoint on the event loop (a thread pool would only add switches).
With PEER_TUNED=0 as such services are mostly found: torch's own number of threads, the whole image decoded.
"""

import io
import os
import time

import cv2
import numpy as np
import torch
from fastapi import FastAPI, File, HTTPException, UploadFile
from fastapi.responses import JSONResponse
from model import build, read_entries
from PIL import Image, ImageOps

TUNED = os.environ.get("PEER_TUNED", "1") == "1"
if TUNED:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
ABOUT, WEIGHTS = read_entries(os.environ["MODEL_PATH"])
NETWORK = build(ABOUT, WEIGHTS)
LABELS = ABOUT["labels"]
SIZE = (ABOUT["input"]["width"], ABOUT["input"]["height"])
MEAN = torch.tensor(ABOUT["input"]["mean"]).view(3, 1, 1) * 255
DEVIATION = torch.tensor(ABOUT["input"]["std"]).view(3, 1, 1) * 255
TEMPERATURE = ABOUT.get("calibration", {}).get("temperature", 1.0)
app = FastAPI()


def preprocess(data: bytes) -> torch.Tensor:
    """The image as the network wants it."""
    image: Image.Image = Image.open(io.BytesIO(data))
    if TUNED:
        image.draft("RGB", SIZE)
    pixels = np.array(ImageOps.exif_transpose(image).convert("RGB"))
    shrinks = pixels.shape[1] >= SIZE[0] and pixels.shape[0] >= SIZE[1]
    # The exact average over the area, as training had it; Pillow's BOX rounds to whole pixels.
    pixels = cv2.resize(pixels, SIZE, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    values = torch.from_numpy(pixels).permute(2, 0, 1).float()
    return ((values - MEAN) / DEVIATION).unsqueeze(0)


@app.get("/health")
async def health() -> dict[str, str]:
    """Answers once the model is loaded."""
    return {"status": "healthy"}


@app.post("/predict")
async def predict(file: UploadFile = File(...)) -> JSONResponse:
    """Cat or dog."""
    start = time.perf_counter()
    data = await file.read()
    try:
        values = preprocess(data)
    except (OSError, SyntaxError, ValueError) as error:
        raise HTTPException(422, "not an image") from error
    with torch.inference_mode():
        probabilities = torch.softmax(NETWORK(values)[0] / TEMPERATURE, 0).tolist()
    best = max(range(len(LABELS)), key=probabilities.__getitem__)
    return JSONResponse(
        {
            "predicted_class": best,
            "predicted_label": LABELS[best],
            "confidence": probabilities[best],
            "probabilities": dict(zip(LABELS, probabilities)),
            "processing_time_ms": 1e3 * (time.perf_counter() - start),
        }
    )
