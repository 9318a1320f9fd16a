"""Digits as a teacher sees them: augmented once, answered once, learnt from by every small model.

Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from rich.progress import track

from models.mnist import Digits, Images
from training.architectures import CLASSES
from training.augment import Augmentation, augment
from training.batches import Places, Targets, one_hot
from training.runs import Run

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
    teachers: Sequence[Run],
    *,
    seed: int,
) -> Lessons:
    """The lessons for just this, kept in `folder` once made: 784 bytes an image and copy.

    Raises:
        RunError: a teacher has not finished.
    """
    models = [teacher.load_model() for teacher in teachers]
    kept = folder / _key(digits, augmentation, teachers, seed)
    if not (kept / "targets.npy").exists():
        kept.mkdir(parents=True, exist_ok=True)
        shape = (COPIES, *digits.images.shape)
        images = np.lib.format.open_memmap(kept / "images.npy", "w+", np.uint8, shape)
        targets = np.empty((COPIES, len(digits), CLASSES), np.float32)
        for copy in track(range(COPIES), "preparing lessons"):
            random = np.random.default_rng((seed, copy))
            for start in range(0, len(digits), _CHUNK):
                part = digits.images[start : start + _CHUNK]
                images[copy, start : start + len(part)] = augment(part, augmentation, random)
            answers = [model.predict(images[copy], batch_size=512, verbose=0) for model in models]
            targets[copy] = TEACHER_SHARE * np.mean(answers, axis=0)
            targets[copy] += (1 - TEACHER_SHARE) * one_hot(digits.labels)
        images.flush()
        # Renamed last: its presence says that the folder is whole.
        np.save(kept / "unfinished.npy", targets)
        (kept / "unfinished.npy").replace(kept / "targets.npy")
    return Lessons.load(kept)


def _key(digits: Digits, augmentation: Augmentation, teachers: Sequence[Run], seed: int) -> str:
    """A name that is another whenever the lessons are."""
    content = hashlib.sha256()
    for teacher in teachers:
        content.update(teacher.model_file.read_bytes())
    content.update(digits.images.tobytes())
    content.update(repr((augmentation, seed, COPIES, TEACHER_SHARE)).encode())
    return content.hexdigest()[:16]
