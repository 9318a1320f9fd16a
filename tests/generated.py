"""Synthetic digits in MNIST's form."""

import gzip
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist import TEST, TRAIN, Digits
from training.data import Mnist


def drawn_digits(count: int, *, seed: int) -> Digits:
    """Draw `count` jittered digits in a vector font, with the labels 0 to 9 in turn."""
    random = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.uint8) % 10
    images = np.stack([_draw(int(label), random) for label in labels])
    return Digits(images, labels)


def drawn_mnist(train: int = 600, test: int = 100) -> Mnist:
    """Draw a small data set in MNIST's form."""
    return Mnist(train=drawn_digits(train, seed=1), test=drawn_digits(test, seed=2))


def write_idx(folder: Path, mnist: Mnist, *, compress: bool = True) -> Path:
    """Write the four IDX files of `mnist`, and return `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, array in (
        (TRAIN.images, mnist.train.images),
        (TRAIN.labels, mnist.train.labels),
        (TEST.images, mnist.test.images),
        (TEST.labels, mnist.test.labels),
    ):
        content = idx(array)
        path = folder / (f"{file.name}.gz" if compress else file.name)
        path.write_bytes(gzip.compress(content) if compress else content)
    return folder


def idx(array: NDArray[np.uint8]) -> bytes:
    """Return `array` as an IDX file of unsigned bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def _draw(digit: int, random: np.random.Generator) -> NDArray[np.uint8]:
    image = np.zeros((28, 28), dtype=np.uint8)
    x, y = 6 + random.integers(-2, 3), 22 + random.integers(-2, 3)
    cv2.putText(
        image, str(digit), (int(x), int(y)), cv2.FONT_HERSHEY_SIMPLEX, 0.75, 255, 2, cv2.LINE_AA
    )
    return image
