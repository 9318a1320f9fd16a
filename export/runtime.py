"""Running an ONNX file on many images, to verify and measure it."""

from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.scores import entropy

BATCH = 64


@dataclass(frozen=True)
class Outputs:
    """Logits and calibrated probabilities, float32 [N, 10] each."""

    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]

    @property
    def answers(self) -> NDArray[np.int64]:
        """Most probable digit of each image, [N]."""
        return self.logits.argmax(axis=1)

    @property
    def confidences(self) -> NDArray[np.float64]:
        """Probability of each answer, [N], in the precision of the thresholds."""
        return self.probabilities.max(axis=1).astype(np.float64)

    @property
    def entropies(self) -> NDArray[np.float64]:
        """Entropy of the probabilities of each image, [N], in nats."""
        return entropy(self.probabilities)


def run(model: bytes, images: NDArray[np.uint8], *, batch: int = BATCH) -> Outputs:
    """Run the ONNX file `model` on `images` uint8 [N, 28, 28], `batch` at a time, on the CPU."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    outputs = [
        session.run(["logits", "probabilities"], {"image": images[start : start + batch]})
        for start in range(0, len(images), batch)
    ]
    logits, probabilities = zip(*outputs, strict=True)
    return Outputs(np.concatenate(logits), np.concatenate(probabilities))
