# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from typing import Optional, final

from typing_extensions import TypeAlias

Raw: TypeAlias = tuple[
    int,
    str,
    str,
    str,
    Optional[float],
    float,
    str,
    float,
    dict[str, float],
    bool,
    int,
    int,
    str,
    tuple[float, float, float, float, float],
]

INFO_MODEL_NAME: int
INFO_MODEL_VERSION: int
INFO_MODEL_SHA256: int
INFO_MODEL_PATH: int
INFO_MODEL_JSON: int
INFO_ENGINE: int
INFO_PRECISION: int
INFO_INPUT_WIDTH: int
INFO_INPUT_HEIGHT: int
INFO_THREADS: int

def version() -> str: ...
def status_name(status: int, /) -> str: ...
@final
class Core:
    def __init__(
        self,
        *,
        path: bytes | None,
        data: bytes | None,
        threads: int,
        self_test: bool,
        max_encoded_bytes: int | None,
        max_pixels: int | None,
        max_side: int | None,
        max_scans: int | None,
        max_decode_bytes: int | None,
        timeout_ms: int | None,
        abstain_below: float | None,
        neither_above: float | None,
        min_precision: float | None,
        engine: str,
        precision: str,
        expected_sha256: str,
        trusted_key: str,
        signature: str,
        torch_plugin: bytes,
        log: Callable[[int, str], object] | None,
        log_level: int,
    ) -> None: ...
    def classify(self, image: object, bgr: bool, /) -> Raw: ...
    def explain(self, image: object, bgr: bool, label: int, /) -> Explanation: ...
    def stream(self) -> ImageStream: ...
    def warm_up(self, threads: int, /) -> None: ...
    def close(self) -> None: ...
    def info(self, key: int, /) -> str: ...
    def integer(self, key: int, /) -> int: ...
    @property
    def max_encoded_bytes(self) -> int: ...
    @property
    def max_side(self) -> int: ...
    @property
    def max_pixels(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
@final
class ImageStream:
    def add(self, image: object, bgr: bool, /) -> None: ...
    def take(self) -> Raw: ...
    @property
    def room(self) -> int: ...
    @property
    def ready(self) -> bool: ...
@final
class Explanation:
    def draw(self, width: int, height: int, /) -> bytes: ...
    @property
    def raw(self) -> Raw: ...
    @property
    def label(self) -> int: ...
    @property
    def map(self) -> list[list[float]]: ...
