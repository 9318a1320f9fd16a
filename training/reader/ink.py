"""Digits as ink, ready to be written into a line: from MNIST, and cut out of real amounts.

A glyph is uint8 [height, width], 255 where the ink is darkest, cropped to its ink.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.strips import Grey
from training.reader.amounts import Amount

Glyph = NDArray[np.uint8]
Random = np.random.Generator

INK = 64  # of 255: fainter is not the digit's shape
_MIDDLE = 14  # of MNIST's 28 pixels
_MNIST_SIZE = 20.0  # the longer side of MNIST's digits
_ROOM = 2.2  # times its size a turned and slanted digit may need


@dataclass(frozen=True)
class Shape:
    """How a digit is written: its height in pixels, slant (columns a row) and turn (radians)."""

    size: float
    slant: float = 0.0
    turn: float = 0.0
    stretch: float = 1.0  # of its width


@dataclass(frozen=True)
class RealDigits:
    """Digits cut out of real amounts: glyphs by digit, from '0' to '9'."""

    glyphs: tuple[tuple[Glyph, ...], ...]


def paper_and_ink(grey: Grey) -> tuple[float, float]:
    """The grey of a strip's paper, and that of its darkest ink."""
    ink, paper = np.percentile(grey, (1, 50))
    return float(paper), float(min(ink, paper - 12))


def ink_of(grey: Grey) -> Glyph:
    """The ink on a strip, uint8 [height, width]: its print and paper are left out, as far as can.

    What is darker than a third of the way from paper to ink is ink, and grows in with a slope.
    """
    paper, ink = paper_and_ink(grey)
    share = (paper - grey.astype(np.float32)) / (paper - ink)
    return np.clip((share - 0.30) * (255 / 0.45), 0, 255).astype(np.uint8)


def cut_out(amounts: Sequence[Amount]) -> RealDigits:
    """The digits of `amounts`, each without the strokes that enter its box from elsewhere."""
    found: list[list[Glyph]] = [[] for _ in range(10)]
    for amount in amounts:
        ink = ink_of(amount.grey)
        for digit, box in zip(amount.digits, amount.boxes, strict=True):
            x, y = max(box.x, 0), max(box.y, 0)
            glyph = _largest_piece(ink[y : y + box.height, x : box.right])
            if min(glyph.shape) >= 3:
                found[int(digit)].append(glyph)
    return RealDigits(tuple(map(tuple, found)))


def write_mnist(image: Glyph, shape: Shape) -> Glyph:
    """One of MNIST's digits, uint8 [28, 28], written in `shape`."""
    return _warp(image, shape, shape.size / _MNIST_SIZE, (_MIDDLE, _MIDDLE))


def write_real(glyph: Glyph, shape: Shape) -> Glyph:
    """A digit cut out of an amount, written in `shape`."""
    height, width = glyph.shape
    return _warp(glyph, shape, shape.size / height, (width / 2, height / 2))


def _warp(image: Glyph, shape: Shape, scale: float, middle: tuple[float, float]) -> Glyph:
    widest = max(image.shape[0], image.shape[1]) * scale * max(1.0, shape.stretch)
    side = int(np.ceil(widest * _ROOM)) + 4
    cosine, sine = np.cos(shape.turn), np.sin(shape.turn)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    matrix = np.array([[shape.stretch, -shape.slant], [0.0, 1.0]]) @ turn * scale
    if scale < 0.8:
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
    offset = side / 2 - matrix @ np.array(middle)
    affine = np.hstack([matrix, offset[:, None]])
    return crop(cv2.warpAffine(image, affine, (side, side), flags=cv2.INTER_LINEAR))


def crop(glyph: Glyph) -> Glyph:
    """The part of `glyph` that holds ink; all of it if none does."""
    x, y, width, height = cv2.boundingRect((glyph > INK).astype(np.uint8))
    return glyph[y : y + height, x : x + width] if width else glyph


def _largest_piece(ink: Glyph) -> Glyph:
    """`ink` without pieces much smaller than its largest: dots, ends of neighbours."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((ink > INK).astype(np.uint8))
    if count < 2:
        return crop(ink)
    areas = stats[1:, cv2.CC_STAT_AREA]
    small = 1 + np.flatnonzero(areas < 0.2 * areas.max())
    return crop(np.where(np.isin(pieces, small), 0, ink).astype(np.uint8))
