# SPDX-License-Identifier: Apache-2.0
"""Says when a cat or a dog is in a video: python video_frames.py VIDEO. Needs OpenCV's Python package.

Two frames a second are classified, in batches that use all threads; OpenCV's frames are BGR, and not copied."""

import itertools
import sys
from collections.abc import Iterator
from typing import Any

import catdog
import cv2

FRAMES_PER_SECOND = 2
BATCH = 32


def frames(video: Any) -> Iterator[tuple[float, Any]]:
    """Time in seconds, and pixels."""
    rate = video.get(cv2.CAP_PROP_FPS) or 25.0
    step = max(1, round(rate / FRAMES_PER_SECOND))
    number = 0
    while video.grab():  # Frames that nobody looks at need not be decoded.
        if number % step == 0:
            decoded, pixels = video.retrieve()
            if decoded:
                yield number / rate, pixels
        number += 1


def main() -> int:
    video = cv2.VideoCapture(sys.argv[1])
    if not video.isOpened():
        print(f"{sys.argv[1]}: OpenCV can't read this video", file=sys.stderr)
        return 1
    with catdog.Classifier() as classifier:
        last = ""
        more = frames(video)
        while batch := list(itertools.islice(more, BATCH)):
            predictions = classifier.classify_batch([pixels for _, pixels in batch], channel_order="bgr")
            for (seconds, _), prediction in zip(batch, predictions):
                if prediction.answer != last:
                    print(f"{seconds:.1f} {prediction.answer} {prediction.trust:.3f}")
                last = prediction.answer
    return 0


if __name__ == "__main__":
    sys.exit(main())
