"""Batches of training digits, augmented anew in every epoch."""

import math
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from training.architectures import CLASSES
from training.augment import Augmentation, augment
from training.data import Digits, Labels

Targets = NDArray[np.float32]  # [N, 10]


def one_hot(labels: Labels) -> Targets:
    """Labels [N] as target probabilities float32 [N, 10]."""
    return np.eye(CLASSES, dtype=np.float32)[labels]


class AugmentedBatches(keras.utils.PyDataset):
    """Shuffled batches of images uint8 [batch, 28, 28] and targets float32 [batch, 10].

    Every backend of Keras takes them. What is drawn depends on seed, epoch and batch alone, not on
    the order in which workers ask; `first_epoch` lets a resumed run go on with new draws.
    """

    def __init__(
        self,
        digits: Digits,
        augmentation: Augmentation | None,
        batch_size: int,
        *,
        seed: int,
        first_epoch: int = 0,
        **workers: Any,  # noqa: ANN401 - what keras.utils.PyDataset takes
    ) -> None:
        super().__init__(**workers)
        # Parallelism comes from the workers; threads of OpenCV's own would fight them.
        cv2.setNumThreads(1)
        self._digits = digits
        self._augmentation = augmentation
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = first_epoch
        self._shuffle()

    def __len__(self) -> int:
        return math.ceil(len(self._digits) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], Targets]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        images = self._digits.images[chosen]
        if self._augmentation:
            random = np.random.default_rng((self._seed, self._epoch, index))
            images = augment(images, self._augmentation, random)
        return images, one_hot(self._digits.labels[chosen])

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch; Keras calls it."""
        self._epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        random = np.random.default_rng((self._seed, self._epoch))
        self._order = random.permutation(len(self._digits))
