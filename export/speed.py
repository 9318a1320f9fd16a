"""How fast an exported file is in ONNX Runtime, on one thread."""

import platform
import statistics
import time
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.manifest import Speed

_BATCH = 32
_WARM_UP = 30
_ROUNDS = 300


def measure_speed(model: bytes, images: NDArray[np.uint8]) -> Speed:
    """Time the ONNX file `model` on one image and on 32 of `images` uint8 [N, 28, 28]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return Speed(
        hardware=hardware(),
        latency_ms=1_000 * _median_seconds(session, images[:1]),
        images_per_second=_BATCH / _median_seconds(session, images[:_BATCH]),
    )


def _median_seconds(session: onnxruntime.InferenceSession, images: NDArray[np.uint8]) -> float:
    seconds = []
    for _ in range(_WARM_UP + _ROUNDS):
        began = time.perf_counter()
        session.run(None, {"image": images})
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[_WARM_UP:])


def hardware() -> str:
    """The processor, of which one thread is used."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{next(names, platform.processor() or platform.machine())}, 1 thread"
