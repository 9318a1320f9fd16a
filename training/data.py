"""MNIST to train on: from its IDX files, or through Keras' own download."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.mnist import TEST, TRAIN, DataError, Digits, check_md5, load_part, pair

# Fewer leave none to validate.
_FEWEST = 10

VALIDATION_SHARE = 1 / 6  # 10,000 of MNIST's 60,000 training images


@dataclass(frozen=True)
class Mnist:
    """The training set and the test set, as published."""

    train: Digits
    test: Digits

    def hold_out(self, share: float = VALIDATION_SHARE) -> tuple[Digits, Digits]:
        """Split the training set into a part to fit and its last `share` to validate."""
        fitted = len(self.train) - round(len(self.train) * share)
        return self.train[:fitted], self.train[fitted:]


def load_mnist(data_dir: Path | None = None, *, verify: bool = True) -> Mnist:
    """Load MNIST from `data_dir`, or download it once through Keras where none is given.

    `data_dir` holds the four IDX files, plain or gzipped, itself or in a folder `mnist`.
    With `verify=False` the files may be another data set in MNIST's form.

    Raises:
        DataError: a file is missing, truncated, swapped or corrupt; the message names it.
    """
    if data_dir is None:
        return _download()
    train, test = (load_part(data_dir, part, verify=verify) for part in (TRAIN, TEST))
    if len(train) < _FEWEST or not len(test):
        raise DataError(
            f"{data_dir}: holds {len(train)} images to train on and {len(test)} to test with, too"
            " few; take MNIST's folder, and this one besides with --also"
        )
    return Mnist(train, test)


def joined(first: Digits, second: Digits) -> Digits:
    """The digits of both, in order."""
    return Digits(
        np.concatenate([first.images, second.images]),
        np.concatenate([first.labels, second.labels]),
    )


def digest(digits: Digits) -> str:
    """What tells these digits from others."""
    content = digits.images.tobytes() + digits.labels.tobytes()
    return hashlib.sha256(content).hexdigest()[:8]


def _download() -> Mnist:
    # Imported here so that reading IDX files needs no Keras, which takes seconds to import.
    import keras  # noqa: PLC0415

    try:
        arrays = keras.datasets.mnist.load_data()
    except Exception as error:
        raise DataError(
            f"MNIST could not be downloaded ({error}); pass --data-dir or set NUMERAL_DATA to a"
            " folder with its four IDX files"
        ) from error
    source = "Keras' mnist.npz"
    parts = [pair((source, images), (source, labels)) for images, labels in arrays]
    for part, digits in zip((TRAIN, TEST), parts, strict=True):
        check_md5(part, digits, source, source)
    return Mnist(*parts)
