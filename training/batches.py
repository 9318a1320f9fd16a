"""Shuffled batches of training digits."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from models.mnist import Digits, Images, Labels
from training.architectures import CLASSES
from training.augment import Augmentation, augment
from training.junk import chimeras, junk

Targets = NDArray[np.float32]  # [N, 10], each row a distribution over the digits; uniform: no digit
ByOutput = dict[str, NDArray[np.float32]]
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


def is_outlier(targets: Targets) -> NDArray[np.bool_]:
    """Whether each target [N, 10] is that of a picture without a digit, [N]."""
    return targets.max(axis=1) < _UNIFORM


_UNIFORM = 1.01 / CLASSES
_NO_IMAGES = np.empty((0, 28, 28), np.uint8)


@dataclass(frozen=True)
class AugmentedDigits:
    """Digits, augmented differently at every draw, and pictures without a digit among them.

    Attributes:
        digits: N of them.
        augmentation: how they change, and the shares of what replaces them.
        negatives: uint8 [M, 28, 28], written characters that are no digits.
        pictures: uint8 [P, 28, 28], some of the digits as the service cut them out of a page.
        picture_of: int [N], position in `pictures` of each digit, -1 for none.
    """

    digits: Digits
    augmentation: Augmentation | None
    negatives: Images = field(default_factory=lambda: _NO_IMAGES)
    pictures: Images = field(default_factory=lambda: _NO_IMAGES)
    picture_of: Places = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.digits)

    def draw(
        self, places: Places, epoch: int, random: np.random.Generator
    ) -> tuple[Images, Targets]:
        """See `Source`; `random` already depends on the epoch."""
        images, targets = self.digits.images[places], one_hot(self.digits.labels[places])
        settings = self.augmentation
        if settings is None:
            return images, targets
        if len(self.pictures):
            places = self.picture_of[places]
            shown = (places >= 0) & (random.random(len(images)) < settings.picture_rate)
            images[shown] = self.pictures[places[shown]]
        # One draw decides, so that the shares do not overlap.
        draws = random.random(len(images))
        start = 0.0
        for rate, draw in (
            (settings.junk_rate, lambda n: junk(n, self.digits.images, random)),
            (settings.chimera_rate, lambda n: chimeras(n, self.digits, random)),
            (settings.negative_rate, self._drawn_negatives(random)),
        ):
            replaced = (start <= draws) & (draws < start + rate)
            start += rate
            if replaced.any():
                images[replaced] = draw(int(replaced.sum()))
                targets[replaced] = 1 / CLASSES
        return augment(images, settings, random), targets

    def _drawn_negatives(self, random: np.random.Generator) -> Callable[[int], Images]:
        return lambda count: self.negatives[random.integers(len(self.negatives), size=count)]


def by_output(targets: Targets, doubt: float = 0.0) -> tuple[ByOutput, ByOutput]:
    """Return the targets of a model with the output `outlier`, and their weights.

    A picture without a digit has the weight `doubt` in the loss of the probabilities.
    """
    outlier = is_outlier(targets)
    weights = np.where(outlier, np.float32(doubt), np.float32(1))
    return (
        {"probabilities": targets, "outlier": outlier.astype(np.float32)[:, None]},
        {"probabilities": weights, "outlier": np.ones_like(weights)},
    )


class Batches(keras.utils.PyDataset):
    """Batches of images uint8 [batch, 28, 28] and targets float32 [batch, 10].

    With `doubt` they are for a model with the output `outlier`: targets and weights of `by_output`.

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
        doubt: float | None = None,
        **workers: Any,  # noqa: ANN401 - options of keras.utils.PyDataset
    ) -> None:
        super().__init__(**workers)
        # The workers run in parallel; OpenCV's own threads would compete with them.
        cv2.setNumThreads(1)
        self._source = source
        self._batch_size = batch_size
        self._seed = seed
        self._doubt = doubt
        self._epoch = first_epoch
        self._shuffle()

    def __len__(self) -> int:
        return math.ceil(len(self._source) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Images, Targets] | tuple[Images, ByOutput, ByOutput]:
        places = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        random = np.random.default_rng((_DRAWS, self._seed, self._epoch, index))
        images, targets = self._source.draw(places, self._epoch, random)
        return (
            (images, targets) if self._doubt is None else (images, *by_output(targets, self._doubt))
        )

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch; called by Keras."""
        self._epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        random = np.random.default_rng((_ORDER, self._seed, self._epoch))
        self._order = random.permutation(len(self._source))
