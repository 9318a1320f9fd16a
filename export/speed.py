"""Speed of an exported file in ONNX Runtime, on one thread."""

import platform
import statistics
import time
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.manifest import Speed

_BATCH = 32
_ROUNDS = 300


def measure_speed(model: bytes, images: NDArray[np.uint8]) -> Speed:
    """Time the ONNX file `model` on one image and on 32 of `images` uint8 [N, 28, 28]."""
    session = on_one_thread(model)
    return Speed(
        hardware=hardware(),
        latency_ms=1_000 * median_seconds(session, images[:1], rounds=_ROUNDS),
        images_per_second=_BATCH / median_seconds(session, images[:_BATCH], rounds=_ROUNDS),
    )


def on_one_thread(model: bytes) -> onnxruntime.InferenceSession:
    """Create a session of the ONNX file `model` that uses the caller's thread only."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def median_seconds(
    session: onnxruntime.InferenceSession, images: NDArray[np.uint8], *, rounds: int
) -> float:
    """Return the median time of `rounds` runs on `images`, after a tenth as many to warm up."""
    seconds = []
    for _ in range(rounds // 10 + rounds):
        start = time.perf_counter()
        session.run(None, {"image": images})
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[rounds // 10 :])


def hardware() -> str:
    """Name the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{next(names, platform.processor() or platform.machine())}, 1 thread"
