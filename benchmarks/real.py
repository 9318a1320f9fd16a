"""Handwritten digits that are not MNIST's."""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.conditions import png

_SIXTEEN_LEVELS = 255 / 16


class NotThere(Exception):
    """A set is not on this machine, or not whole; the message says what to get."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Picture files and their digits, uint8 [N]."""

    pictures: list[bytes]
    labels: NDArray[np.uint8]


def scikit_learn_digits() -> Labelled:
    """The 1,797 digits of 8x8 pixels that scikit-learn ships, white on black.

    Raises:
        NotThere: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - need not be there
    except ImportError as error:
        raise NotThere('scikit-learn is not installed: "pip install scikit-learn"') from error
    found = load_digits()
    images = np.rint(found.images * _SIXTEEN_LEVELS).astype(np.uint8)
    return Labelled([png(image) for image in images], found.target.astype(np.uint8))


def cheque_digits(data_dir: Path) -> Labelled:
    """The single digits of the courtesy amounts in `data_dir`/orand-car-a, cut out by their boxes.

    Raises:
        NotThere: the folder is missing, or one of its images.
    """
    folder = data_dir / "orand-car-a"
    table = folder / "labels.csv"
    if not table.is_file():
        raise NotThere(f"{table} is not there: ORAND-CAR-A, ICFHR 2014")
    pictures, labels = [], []
    with table.open(newline="") as lines:
        for row in csv.DictReader(lines):
            strip = _colours(folder / "images" / row["file"])
            boxes = [tuple(map(int, box.split(","))) for box in row["boxes_xywh"].split(";")]
            for digit, (x, y, width, height) in zip(row["digits"], boxes, strict=True):
                pictures.append(png(strip[max(y, 0) : y + height, max(x, 0) : x + width]))
                labels.append(int(digit))
    return Labelled(pictures, np.array(labels, np.uint8))


def _colours(path: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise NotThere(f"{path} is missing or no picture: get ORAND-CAR-A, ICFHR 2014, again")
    return picture
