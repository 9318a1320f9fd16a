"""Digits as glyphs, from MNIST and from real amounts.

A glyph is uint8 [height, width], 255 for the darkest ink, cropped to its ink.
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

INK = 64  # of 255: fainter ink is not part of the shape
_MIDDLE = 14  # of MNIST's 28 pixels
_MNIST_SIZE = 20.0  # the longer side of MNIST's digits
_MARGIN_FACTOR = 2.2  # times its size, for a rotated and slanted digit


@dataclass(frozen=True)
class Shape:
    """Shape of a written digit: height in pixels, slant (columns per row), rotation (radians)."""

    size: float
    slant: float = 0.0
    turn: float = 0.0
    stretch: float = 1.0  # of its width


@dataclass(frozen=True)
class RealDigits:
    """Glyphs from real amounts, for each digit from 0 to 9."""

    glyphs: tuple[tuple[Glyph, ...], ...]


def paper_and_ink(grey: Grey) -> tuple[float, float]:
    """Return the grey values of a strip's paper and of its darkest ink."""
    ink, paper = np.percentile(grey, (1, 50))
    return float(paper), float(min(ink, paper - 12))


def ink_of(grey: Grey) -> Glyph:
    """Return the ink on a strip, uint8 [height, width], without paper and faint print.

    Ink starts at a third of the way from paper to ink, and increases gradually.
    """
    paper, ink = paper_and_ink(grey)
    share = (paper - grey.astype(np.float32)) / (paper - ink)
    return np.clip((share - 0.30) * (255 / 0.45), 0, 255).astype(np.uint8)


def cut_out(amounts: Sequence[Amount]) -> RealDigits:
    """Cut out the digits of `amounts`, without strokes that enter their boxes from neighbours."""
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
    """Draw one of MNIST's digits, uint8 [28, 28], in `shape`."""
    return _warp(image, shape, shape.size / _MNIST_SIZE, (_MIDDLE, _MIDDLE))


def write_real(glyph: Glyph, shape: Shape) -> Glyph:
    """Draw a glyph from an amount in `shape`."""
    height, width = glyph.shape
    return _warp(glyph, shape, shape.size / height, (width / 2, height / 2))


def _warp(image: Glyph, shape: Shape, scale: float, middle: tuple[float, float]) -> Glyph:
    widest = max(image.shape[0], image.shape[1]) * scale * max(1.0, shape.stretch)
    side = int(np.ceil(widest * _MARGIN_FACTOR)) + 4
    cosine, sine = np.cos(shape.turn), np.sin(shape.turn)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    matrix = np.array([[shape.stretch, -shape.slant], [0.0, 1.0]]) @ turn * scale
    if scale < 0.8:
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
    offset = side / 2 - matrix @ np.array(middle)
    affine = np.hstack([matrix, offset[:, None]])
    return crop(cv2.warpAffine(image, affine, (side, side), flags=cv2.INTER_LINEAR))


def crop(glyph: Glyph) -> Glyph:
    """Crop `glyph` to its ink; without ink, return all of it."""
    x, y, width, height = cv2.boundingRect((glyph > INK).astype(np.uint8))
    return glyph[y : y + height, x : x + width] if width else glyph


def _largest_piece(ink: Glyph) -> Glyph:
    """Remove pieces much smaller than the largest one: dots, ends of neighbours."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((ink > INK).astype(np.uint8))
    if count < 2:
        return crop(ink)
    areas = stats[1:, cv2.CC_STAT_AREA]
    small = 1 + np.flatnonzero(areas < 0.2 * areas.max())
    return crop(np.where(np.isin(pieces, small), 0, ink).astype(np.uint8))
