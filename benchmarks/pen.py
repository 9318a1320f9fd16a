"""Digits drawn with strokes, in MNIST's form: pictures of them may be published anywhere."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist import Digits

_SIDE = 28
_SIZE = 20.0  # pixels, the height of a digit
_FRACTION_BITS = 4  # of OpenCV's coordinates

Random = np.random.Generator

# Variants of each digit; a variant's strokes are separated by "/". A stroke is a list of x,y from
# 0 to 1, y downwards, whose corners are rounded.
_VARIANTS = {
    0: ["0.5,0 0.1,0.2 0.1,0.8 0.5,1 0.9,0.8 0.9,0.2 0.5,0"],
    1: ["0.5,0 0.5,1", "0.25,0.25 0.55,0 0.55,1"],
    2: ["0.1,0.2 0.4,-0.05 0.9,0.1 0.8,0.5 0.1,1 0.9,0.97"],
    3: ["0.1,0.1 0.6,-0.05 0.95,0.25 0.4,0.47 0.95,0.65 0.7,1.05 0.1,0.9"],
    4: ["0.2,0 0.1,0.6 0.9,0.55 / 0.75,0.1 0.7,1", "0.7,1 0.7,0 0.05,0.65 0.95,0.65"],
    5: ["0.2,0.05 0.15,0.45 0.7,0.4 0.95,0.75 0.6,1.05 0.05,0.9 / 0.2,0.03 0.9,0"],
    6: ["0.7,0 0.15,0.35 0.1,0.9 0.6,1.05 0.9,0.75 0.5,0.5 0.12,0.75"],
    7: ["0.05,0.05 0.95,0 0.8,0.3 0.35,1", "0.05,0.05 0.95,0 0.8,0.3 0.35,1 / 0.3,0.5 0.85,0.47"],
    8: ["0.8,0.1 0.4,-0.05 0.1,0.25 0.85,0.7 0.5,1.08 0.1,0.75 0.85,0.2 0.75,0.05"],
    9: ["0.85,0.2 0.45,-0.05 0.1,0.3 0.5,0.55 0.85,0.2 0.8,0.5 0.6,1"],
}


def drawn_digits(count: int, seed: int, *, widest: int = 3) -> Digits:
    """Draw `count` digits, labels 0 to 9 in turn, with pens 2 to `widest` pixels wide."""
    random = np.random.default_rng(seed)
    labels = (np.arange(count) % 10).astype(np.uint8)
    return Digits(np.stack([_draw(int(label), random, widest) for label in labels]), labels)


def _draw(digit: int, random: Random, widest: int) -> NDArray[np.uint8]:
    variants = _VARIANTS[digit]
    strokes = variants[random.integers(len(variants))].split(" / ")
    width = _SIZE * random.uniform(0.5, 0.75)
    pen = int(random.integers(2, widest + 1))
    page = np.zeros((_SIDE, _SIDE), np.uint8)
    for stroke in strokes:
        corners = np.array([point.split(",") for point in stroke.split()], float)
        corners += random.normal(0, 0.035, corners.shape)
        path = (rounded(corners) - 0.5) * (width, _SIZE) + _SIDE / 2
        points = np.rint(path * 2**_FRACTION_BITS).astype(np.int32)
        cv2.polylines(page, [points], False, 255, pen, cv2.LINE_AA, shift=_FRACTION_BITS)
    return cv2.GaussianBlur(page, (0, 0), 0.5)


def rounded(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut all corners twice but the ends: Chaikin, 1974."""
    for _ in range(2):
        ahead, behind = corners[:-1], corners[1:]
        cut = np.stack([0.75 * ahead + 0.25 * behind, 0.25 * ahead + 0.75 * behind], axis=1)
        corners = np.concatenate([corners[:1], cut.reshape(-1, 2), corners[-1:]])
    return corners
