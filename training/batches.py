"""Shuffled batches of training digits."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from models.mnist import Digits, Images, Labels
from training.architectures import CLASSES
from training.augment import Augmentation, augment
from training.junk import junk

Targets = NDArray[np.float32]  # [N, 10], each row a distribution over the digits
Places = NDArray[np.int64]  # [n], positions in the training set


# Distinct streams of random numbers.
_ORDER, _DRAWS = 1, 2


def one_hot(labels: Labels) -> Targets:
    """Return labels [N] as target probabilities float32 [N, 10]."""
    return np.eye(CLASSES, dtype=np.float32)[labels]


class Source(Protocol):
    """Images and targets that batches are drawn from."""

    def __len__(self) -> int:
        """Return the number of training images."""

    def draw(
        self, places: Places, epoch: int, random: np.random.Generator
    ) -> tuple[Images, Targets]:
        """Return the images at `places` as they look in `epoch`, with their targets."""


@dataclass(frozen=True)
class AugmentedDigits:
    """Digits, augmented differently at every draw, and junk among them.

    The target of junk is the uniform distribution.
    """

    digits: Digits
    augmentation: Augmentation | None

    def __len__(self) -> int:
        return len(self.digits)

    def draw(
        self, places: Places, epoch: int, random: np.random.Generator
    ) -> tuple[Images, Targets]:
        """See `Source`; `random` already depends on the epoch."""
        images, targets = self.digits.images[places], one_hot(self.digits.labels[places])
        if self.augmentation:
            replaced = random.random(len(images)) < self.augmentation.junk_rate
            if replaced.any():
                images[replaced] = junk(int(replaced.sum()), self.digits.images, random)
                targets[replaced] = 1 / CLASSES
            images = augment(images, self.augmentation, random)
        return images, targets


class Batches(keras.utils.PyDataset):
    """Batches of images uint8 [batch, 28, 28] and targets float32 [batch, 10].

    A batch depends on seed, epoch and index only, not on the order in which workers request it;
    with `first_epoch`, a resumed run continues with new draws.
    """

    def __init__(
        self,
        source: Source,
        batch_size: int,
        *,
        seed: int,
        first_epoch: int = 0,
        **workers: Any,  # noqa: ANN401 - options of keras.utils.PyDataset
    ) -> None:
        super().__init__(**workers)
        # The workers run in parallel; OpenCV's own threads would compete with them.
        cv2.setNumThreads(1)
        self._source = source
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = first_epoch
        self._shuffle()

    def __len__(self) -> int:
        return math.ceil(len(self._source) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Images, Targets]:
        places = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        random = np.random.default_rng((_DRAWS, self._seed, self._epoch, index))
        return self._source.draw(places, self._epoch, random)

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch; called by Keras."""
        self._epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        random = np.random.default_rng((_ORDER, self._seed, self._epoch))
        self._order = random.permutation(len(self._source))
