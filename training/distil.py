"""Distillation: digits augmented once, predicted once by a teacher, used to train every model.

Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

import contextlib
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from rich.progress import track

from models.mnist import Images
from training.architectures import CLASSES
from training.batches import AugmentedDigits, Places, Targets, is_outlier
from training.runs import Run

COPIES = 24
TEACHER_SHARE = 0.7  # share of the target; the rest is the label

# Increment whenever `augment` or `junk` draw other pictures.
_VERSION = 3

_CHUNK = 2_000


@dataclass(frozen=True)
class Lessons:
    """Augmented copies of the training images with the teachers' predictions.

    images: uint8 [copies, N, 28, 28]; targets: float32 [copies, N, 10]. Epochs use copies in turn.
    """

    images: Images
    targets: Targets

    def __len__(self) -> int:
        return self.images.shape[1]

    def draw(
        self, places: Places, epoch: int, random: np.random.Generator
    ) -> tuple[Images, Targets]:
        """See `training.batches.Source`."""
        copy = epoch % len(self.images)
        return self.images[copy, places], self.targets[copy, places]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map the lessons in `folder` into memory."""
        return cls(
            np.load(folder / "images.npy", mmap_mode="r"),
            np.load(folder / "targets.npy", mmap_mode="r"),
        )


def prepare_lessons(
    folder: Path, source: AugmentedDigits, teachers: Sequence[Run], *, seed: int
) -> Lessons:
    """Return the lessons for these inputs, cached in `folder`: 784 bytes per image and copy.

    Teachers do not predict junk: its target stays the uniform distribution.

    Raises:
        RunError: a teacher has not finished.
    """
    cached = folder / _key(source, teachers, seed)
    if not cached.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Renamed when complete; another process may have been faster.
        with tempfile.TemporaryDirectory(dir=folder, prefix="unfinished-") as unfinished:
            _write_lessons(Path(unfinished) / cached.name, source, teachers, seed)
            with contextlib.suppress(OSError):
                (Path(unfinished) / cached.name).rename(cached)
    return Lessons.load(cached)


def _write_lessons(
    folder: Path, source: AugmentedDigits, teachers: Sequence[Run], seed: int
) -> None:
    models = [teacher.load_model() for teacher in teachers]
    folder.mkdir()
    shape = (COPIES, *source.digits.images.shape)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, shape)
    targets = np.empty((COPIES, len(source), CLASSES), np.float32)
    for copy in track(range(COPIES), "preparing lessons"):
        random = np.random.default_rng((seed, copy))
        for places in np.array_split(np.arange(len(source)), -(-len(source) // _CHUNK)):
            images[copy, places], targets[copy, places] = source.draw(places, copy, random)
        answers = [model.predict(images[copy], batch_size=512, verbose=0) for model in models]
        is_digit = ~is_outlier(targets[copy])
        targets[copy, is_digit] *= 1 - TEACHER_SHARE
        targets[copy, is_digit] += TEACHER_SHARE * np.mean(answers, axis=0)[is_digit]
    images.flush()
    np.save(folder / "targets.npy", targets)


def _key(source: AugmentedDigits, teachers: Sequence[Run], seed: int) -> str:
    """Return a name that identifies the lessons."""
    content = hashlib.sha256()
    for teacher in teachers:
        content.update(teacher.model_file.read_bytes())
    content.update(source.digits.images.tobytes())
    content.update(source.digits.labels.tobytes())
    content.update(repr((_VERSION, source.augmentation, seed, COPIES, TEACHER_SHARE)).encode())
    return content.hexdigest()[:16]
