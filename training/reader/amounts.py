"""ORAND-CAR-A: courtesy amounts from bank cheques, with a box for each digit.

ICFHR 2014 Competition on Handwritten Digit String Recognition in Challenging Datasets.
"""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from models.mnist import DataError
from models.strips import DIGITS, Grey

FOLDER = "orand-car-a"
VALIDATION_SHARE = 1 / 5


@dataclass(frozen=True)
class Box:
    """Where a digit is, in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column after it."""
        return self.x + self.width


@dataclass(frozen=True)
class Amount:
    """A strip uint8 [height, width] with its digits, separators left out, and their boxes."""

    file: str
    grey: Grey
    digits: str
    boxes: tuple[Box, ...]


def load_amounts(data_dir: Path) -> list[Amount]:
    """Read the amounts from `data_dir` or its folder `orand-car-a`, in the order of the labels.

    Raises:
        DataError: the labels or an image are missing or cannot be read; the message names them.
    """
    for folder in (data_dir / FOLDER, data_dir):
        labels = folder / "labels.csv"
        if labels.is_file():
            with labels.open(newline="") as rows:
                amounts = [_amount(folder, row) for row in csv.DictReader(rows)]
            # Fewer leave none to validate.
            if round(len(amounts) * VALIDATION_SHARE) < 1:
                raise DataError(f"{labels}: names {len(amounts)} amounts; fetch it again")
            return amounts
    raise DataError(f"{data_dir}: holds no {FOLDER}/labels.csv; the reader learns from it")


def hold_out(amounts: list[Amount]) -> tuple[list[Amount], list[Amount]]:
    """Split `amounts` into those to learn from and a fifth to validate.

    In the order of the SHA-256 of their file names the first fifth is held out: the same strips
    wherever and in whatever order the files lie.
    """
    shuffled = sorted(amounts, key=lambda amount: hashlib.sha256(amount.file.encode()).digest())
    held_out = round(len(shuffled) * VALIDATION_SHARE)
    return shuffled[held_out:], shuffled[:held_out]


def _amount(folder: Path, row: dict[str, str]) -> Amount:
    try:
        file, digits = row["file"], row["digits"]
        boxes = tuple(Box(*map(int, box.split(","))) for box in row["boxes_xywh"].split(";"))
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise DataError(
            f"{folder}/labels.csv: a line is not file,digits,boxes_xywh ({row}); fetch it again"
        ) from error
    path = folder / "images" / file
    if not set(digits) <= set(DIGITS) or len(boxes) != len(digits):
        raise DataError(f"{path}: is labelled {digits!r}, with {len(boxes)} boxes; fetch it again")
    return Amount(file, _read(path), digits, boxes)


def _read(path: Path) -> Grey:
    try:
        # OpenCV fills up a truncated picture without an error.
        with Image.open(path) as picture:
            picture.load()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error}); fetch it again") from error
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)
