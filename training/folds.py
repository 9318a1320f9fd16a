"""Folds of the training images by writer, for cross-fitting: no writer is in two folds."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.mnist import DataError, Digits

WRITERS = Path("mnist-writers", "qmnist-train-labels.tsv.gz")
_LABEL, _WRITER = 0, 2  # columns
_SEED = 1


@dataclass(frozen=True)
class Fold:
    """Fold `number` of `count`, from 1: its images are held out, the others are learnt from."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "2/4".

        Raises:
            ValueError: it has another form, or there is no such fold.
        """
        number, _, count = text.partition("/")
        if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count) >= 2):
            raise ValueError(f"{text!r} is no fold; write for example 1/4")
        return cls(int(number), int(count))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def split(self, writers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the positions to learn from and those held out; `writers` [N] has all images."""
        different = np.random.default_rng(_SEED).permutation(np.unique(writers))
        held_out = np.isin(writers, different[self.number - 1 :: self.count])
        return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def load_writers(data_dir: Path | None, train: Digits) -> NDArray[np.int64]:
    """Read who wrote each of MNIST's training images, [N], from QMNIST's labels in `data_dir`.

    Yadav and Bottou, "Cold Case: The Lost MNIST Digits", NeurIPS 2019.

    Raises:
        DataError: the file is missing or damaged, or belongs to other images.
    """
    if data_dir is None:
        raise DataError(f"folds need a --data-dir with {WRITERS}")
    path = data_dir / WRITERS
    try:
        with gzip.open(path, "rt") as rows:
            columns = np.loadtxt(rows, np.int64, delimiter="\t", usecols=(_LABEL, _WRITER))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    if not np.array_equal(columns[:, 0], train.labels):
        raise DataError(f"{path}: its labels are not those of these training images")
    return columns[:, 1]
