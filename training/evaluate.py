"""Predictions of a trained Keras model for labelled digits."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.mnist import Digits
from training.architectures import CLASSES

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Answers:
    """Probabilities float32 [N, 10] for labelled digits."""

    digits: Digits
    probabilities: NDArray[np.float32]

    @property
    def answers(self) -> NDArray[np.int64]:
        """Most probable digit of each image, [N]."""
        return self.probabilities.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(np.mean(self.answers == self.digits.labels))

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts [10, 10]: rows are labels, columns are answers."""
        counts = np.zeros((CLASSES, CLASSES), dtype=np.int64)
        np.add.at(counts, (self.digits.labels, self.answers), 1)
        return counts


def answer(model: "keras.Model", digits: Digits) -> Answers:
    """Run `model` on `digits`."""
    outputs = model.predict(digits.images, batch_size=256, verbose=0)
    return Answers(digits, outputs["probabilities"] if isinstance(outputs, dict) else outputs)
