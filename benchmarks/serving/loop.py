"""The ceiling of the model: decode and run, 64 images at a time, in a loop without HTTP.

`python -m benchmarks.serving.loop` is run by the benchmark; it reads the file of bodies in which
one image is one body, and prints a line of JSON for `wrk.parse`.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

_BATCH = 64


def main(model: str, files: list[bytes], seconds: float) -> dict[str, float]:
    """Decode and classify `files` over and over for so many seconds, on one thread."""
    cv2.setNumThreads(1)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    batches = [files[start : start + _BATCH] for start in range(0, len(files) - _BATCH + 1, _BATCH)]
    for batch in batches:
        _run(session, batch)
    took: list[float] = []
    start = now = time.perf_counter()
    while now < start + seconds:
        _run(session, batches[len(took) % len(batches)])
        took.append(time.perf_counter() - now)
        now += took[-1]
    return {
        "requests": len(took),
        "seconds": now - start,
        "p50_ms": 1000 * float(np.percentile(took, 50)),
        "p99_ms": 1000 * float(np.percentile(took, 99)),
        "bad_answers": 0,
        "socket_errors": 0,
    }


def _run(session: ort.InferenceSession, files: list[bytes]) -> np.ndarray:
    images = [cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_GRAYSCALE) for file in files]
    return session.run(["probabilities"], {"image": np.stack(images)})[0]


if __name__ == "__main__":
    pictures = sorted(Path(sys.argv[2]).glob("*.png"))
    found = main(sys.argv[1], [picture.read_bytes() for picture in pictures], float(sys.argv[3]))
    print("MEASURED", json.dumps(found))
