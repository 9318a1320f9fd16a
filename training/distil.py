"""Digits as a teacher sees them: augmented once, answered once, learnt from by every small model.

Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import keras
import numpy as np
from rich.progress import track

from training.architectures import CLASSES
from training.augment import Augmentation, augment
from training.batches import Places, Targets, one_hot
from training.data import Digits, Images

COPIES = 24
TEACHER_SHARE = 0.7  # of the target; the rest is the label

_CHUNK = 2_000


@dataclass(frozen=True)
class Lessons:
    """Augmented copies of the training images with the teachers' answers to them.

    images: uint8 [copies, N, 28, 28]; targets: float32 [copies, N, 10]. Epochs take copies in turn.
    """

    images: Images
    targets: Targets

    def __len__(self) -> int:
        return self.images.shape[1]

    def draw(
        self, places: Places, epoch: int, random: np.random.Generator
    ) -> tuple[Images, Targets]:
        """As `training.batches.Source` says."""
        copy = epoch % len(self.images)
        return self.images[copy, places], self.targets[copy, places]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map the lessons kept in `folder` into memory."""
        return cls(
            np.load(folder / "images.npy", mmap_mode="r"),
            np.load(folder / "targets.npy", mmap_mode="r"),
        )


def prepare_lessons(
    folder: Path,
    digits: Digits,
    augmentation: Augmentation,
    teachers: Sequence[keras.Model],
    *,
    seed: int,
) -> Lessons:
    """The lessons in `folder`, made first if it has none: 784 bytes an image and copy."""
    if not (folder / "targets.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        images = np.lib.format.open_memmap(
            folder / "images.npy", "w+", np.uint8, (COPIES, *digits.images.shape)
        )
        targets = np.empty((COPIES, len(digits), CLASSES), np.float32)
        for copy in range(COPIES):
            starts = range(0, len(digits), _CHUNK)
            for start in track(starts, f"lessons {copy + 1}/{COPIES}", total=len(starts)):
                part = digits[start : start + _CHUNK]
                random = np.random.default_rng((seed, copy, start))
                images[copy, start : start + len(part)] = augment(part.images, augmentation, random)
            answers = [
                teacher.predict(images[copy], batch_size=512, verbose=0) for teacher in teachers
            ]
            targets[copy] = TEACHER_SHARE * np.mean(answers, axis=0)
            targets[copy] += (1 - TEACHER_SHARE) * one_hot(digits.labels)
        images.flush()
        # Written last: its presence says that the folder is whole.
        np.save(folder / "targets.npy", targets)
    return Lessons.load(folder)
