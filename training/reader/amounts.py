"""ORAND-CAR-A: courtesy amounts of bank cheques, with a box for each digit.

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

# Labels that their pictures contradict, with what is written; found among the mistakes of a reader.
RELABELLED = {"a_car_001192.jpg": "198"}


@dataclass(frozen=True)
class Box:
    """Bounding box of a digit, in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column after the box."""
        return self.x + self.width


@dataclass(frozen=True)
class Amount:
    """A strip uint8 [height, width] with its digits, without separators, and their boxes.

    `raw` is its text with separators, if they are labelled.
    """

    file: str
    grey: Grey
    digits: str
    boxes: tuple[Box, ...]
    raw: str | None = None


def load_amounts(data_dir: Path) -> list[Amount]:
    """Read the amounts from `data_dir` or its folder `orand-car-a`, in the order of the labels.

    Raises:
        DataError: the labels or an image are missing or unreadable; the message names them.
    """
    for folder in (data_dir / FOLDER, data_dir):
        labels = folder / "labels.csv"
        if labels.is_file():
            with labels.open(newline="") as rows:
                amounts = [_amount(folder, row) for row in csv.DictReader(rows)]
            # Fewer leave none for validation.
            if round(len(amounts) * VALIDATION_SHARE) < 1:
                raise DataError(f"{labels}: has only {len(amounts)} amounts; download it again")
            return amounts
    raise DataError(f"{data_dir}: has no {FOLDER}/labels.csv, which the reader is trained on")


def hold_out(amounts: list[Amount]) -> tuple[list[Amount], list[Amount]]:
    """Split `amounts` into training amounts and a fifth for validation.

    The first fifth by the SHA-256 of the file name is held out: always the same strips, whatever
    the order of the files.
    """
    shuffled = sorted(amounts, key=lambda amount: hashlib.sha256(amount.file.encode()).digest())
    held_out = round(len(shuffled) * VALIDATION_SHARE)
    return shuffled[held_out:], shuffled[:held_out]


def _amount(folder: Path, row: dict[str, str]) -> Amount:
    try:
        file = row["file"]
        digits = RELABELLED.get(file, row["digits"])
        boxes = tuple(Box(*map(int, box.split(","))) for box in row["boxes_xywh"].split(";"))
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise DataError(
            f"{folder}/labels.csv: a line is not file,digits,boxes_xywh ({row}); download it again"
        ) from error
    path = folder / "images" / file
    if not set(digits) <= set(DIGITS) or len(boxes) != len(digits):
        raise DataError(f"{path}: label {digits!r} with {len(boxes)} boxes; download it again")
    return Amount(file, read_grey(path), digits, boxes)


def read_grey(path: Path) -> Grey:
    """Read a picture, uint8 [height, width].

    Raises:
        DataError: it cannot be read.
    """
    try:
        # Pillow detects truncated pictures; OpenCV fills them up without an error.
        with Image.open(path) as picture:
            picture.load()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error}); download it again") from error
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)
