"""Running an ONNX file on many images, to verify and measure it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy.special import softmax

from models.scores import entropy

BATCH = 64


@dataclass(frozen=True)
class Outputs:
    """Logits and calibrated probabilities, float32 [N, 10] each.

    `outlier` float32 [N] is the probability that an image shows no digit; 0 without that output.
    """

    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    outlier: NDArray[np.float32]

    def at(self, temperature: float) -> Self:
        """Return the outputs with the logits divided by `temperature`."""
        return replace(self, probabilities=softmax(self.logits / np.float32(temperature), axis=1))

    @classmethod
    def pooled(cls, parts: Sequence[Self]) -> Self:
        """Return the outputs of all `parts`, one after the other."""
        return cls(
            np.concatenate([part.logits for part in parts]),
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.outlier for part in parts]),
        )

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
    names = [output.name for output in session.get_outputs()]
    parts = []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        values = dict(zip(names, session.run(names, {"image": part}), strict=True))
        values.setdefault("outlier", np.zeros(len(part), np.float32))
        parts.append(Outputs(values["logits"], values["probabilities"], values["outlier"]))
    return Outputs.pooled(parts)
