"""MNIST as training data: from its IDX files, or downloaded through Keras."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.mnist import TEST, TRAIN, DataError, Digits, check_md5, load_part, pair

# Fewer images leave none for validation.
_MIN_TRAIN_IMAGES = 10

VALIDATION_SHARE = 1 / 6  # 10,000 of MNIST's 60,000 training images


# Positions of training images that do not show their label, see docs/training.md.
_MISLABELLED = np.array(
    [
        *(2148, 4129, 4476, 7080, 10994, 14582, 16678, 18190, 25678, 26622, 26748, 30049, 30184),
        *(32342, 34750, 35310, 37680, 39311, 40144, 41594, 42566, 43454, 46857, 50340, 51248),
        *(51944, 52854, 53063, 53396, 54264, 54458, 56596, 57744, 59915),
    ]
)
_TRAIN_IMAGES = 60_000  # in MNIST; smaller sets have other images at these positions


@dataclass(frozen=True)
class Mnist:
    """Training set and test set, as published."""

    train: Digits
    test: Digits
    writers: NDArray[np.int64] | None = None  # of the training images, [N]

    def hold_out(self, share: float = VALIDATION_SHARE) -> tuple[Digits, Digits]:
        """Split the training set: the last `share` is for validation."""
        fitted = len(self.train) - round(len(self.train) * share)
        return self.train[:fitted], self.train[fitted:]

    def well_labelled(self) -> tuple[Digits, Digits]:
        """Split the training set like `hold_out`, without the images that are labelled wrongly.

        For composing strips, where one image would make many labels wrong.
        """
        fitted, held_out = self.hold_out()
        if len(self.train) != _TRAIN_IMAGES:
            return fitted, held_out
        return (
            fitted[np.setdiff1d(np.arange(len(fitted)), _MISLABELLED)],
            held_out[np.setdiff1d(np.arange(len(held_out)), _MISLABELLED - len(fitted))],
        )


def load_mnist(data_dir: Path | None = None, *, verify: bool = True) -> Mnist:
    """Load MNIST from `data_dir`, or download it through Keras if that is None.

    `data_dir` has the four IDX files, plain or gzipped, directly or in a folder `mnist`. With
    `verify=False` they can be another data set in MNIST's form.

    Raises:
        DataError: a file is missing, truncated, swapped or corrupt; the message names it.
    """
    if data_dir is None:
        return _download()
    train, test = (load_part(data_dir, part, verify=verify) for part in (TRAIN, TEST))
    if len(train) < _MIN_TRAIN_IMAGES or not len(test):
        raise DataError(
            f"{data_dir}: {len(train)} training and {len(test)} test images are too few; use"
            " MNIST's directory, and add this one with --also"
        )
    return Mnist(train, test)


def joined(*parts: Digits) -> Digits:
    """Concatenate sets of digits."""
    return Digits(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def digest(digits: Digits) -> str:
    """Return a hash that identifies these digits."""
    content = digits.images.tobytes() + digits.labels.tobytes()
    return hashlib.sha256(content).hexdigest()[:8]


def _download() -> Mnist:
    # Imported here because Keras takes seconds to import and IDX files do not need it.
    import keras  # noqa: PLC0415

    try:
        arrays = keras.datasets.mnist.load_data()
    except Exception as error:
        raise DataError(
            f"MNIST could not be downloaded ({error}); pass --data-dir or set NUMERAL_DATA to a"
            " directory with its four IDX files"
        ) from error
    source = "Keras' mnist.npz"
    parts = [pair((source, images), (source, labels)) for images, labels in arrays]
    for part, digits in zip((TRAIN, TEST), parts, strict=True):
        check_md5(part, digits, source, source)
    return Mnist(*parts)
