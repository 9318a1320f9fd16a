"""Compose a line: digits and separators side by side, as one writer would."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist import Digits
from models.strips import DIGITS, Grey
from training.augment import Augmentation, warp
from training.reader import separators
from training.reader.ink import INK, Glyph, Random, RealDigits, Shape, write_mnist, write_real
from training.reader.texts import label

_SHORTEST_ADVANCE = 0.21  # heights of the strip between neighbours: two output steps
_FAR_LEFT = -1000


@dataclass(frozen=True)
class Hand:
    """Style of one writer; lengths are in heights of a digit."""

    size: float  # of a digit, in pixels
    slant: float
    stretch: float
    gap: float  # average, between digits
    touching: float  # share of neighbours that touch or overlap
    contact: tuple[float, float]  # minimum and maximum distance between their strokes
    unevenness: float  # of sizes and baseline
    climb: float  # rows per column
    pen: float  # pixels
    real: float  # share of digits that come from real amounts
    elastic: float = 0.0  # distortion of MNIST's digits, see `training.augment`


@dataclass(frozen=True)
class Glyphs:
    """Available digits: MNIST's, their positions by digit, and those of real amounts."""

    digits: Digits
    places: tuple[NDArray[np.intp], ...]
    real: RealDigits

    @classmethod
    def of(cls, digits: Digits, real: RealDigits) -> "Glyphs":
        """Index `digits`, and add `real` ones."""
        return cls(digits, tuple(np.flatnonzero(digits.labels == d) for d in range(10)), real)

    def take(self, digit: int, shape: Shape, hand: Hand, random: Random) -> Glyph:
        """Draw a `digit` in `shape`, as written by `hand`."""
        glyphs = self.real.glyphs[digit]
        if glyphs and random.random() < hand.real:
            return write_real(glyphs[random.integers(len(glyphs))], shape)
        places = self.places[digit]
        image = self.digits.images[places[random.integers(len(places))]]
        if hand.elastic:
            image = warp(image[None], Augmentation(elastic=hand.elastic), random)[0]
        return write_mnist(image, shape)


def any_hand(height: int, random: Random) -> Hand:
    """Draw any writer, for strips of `height` rows."""
    return Hand(
        size=height * random.uniform(0.42, 0.86),
        slant=random.normal(0.0, 0.14),
        stretch=float(np.exp(random.normal(-0.05, 0.14))),
        gap=random.choice((0.04, 0.12, 0.25, 0.5)) * random.uniform(0.5, 1.5),
        touching=random.choice((0.0, 0.15, 0.5, 0.95)),
        contact=(-0.09, 0.03),
        unevenness=random.uniform(0.0, 0.12),
        climb=random.normal(0, 0.02),
        pen=height * random.uniform(0.03, 0.09),
        real=random.choice((0.0, 0.0, 0.5, 1.0)),
    )


def tidy_hand(height: int, random: Random, *, elastic: float = 0.0) -> Hand:
    """Draw a tidy writer of MNIST's digits, for legible strips."""
    return Hand(
        size=height * random.uniform(0.6, 0.9),
        slant=random.normal(0.0, 0.08),
        stretch=float(np.exp(random.normal(0.0, 0.08))),
        gap=random.choice((0.02, 0.1, 0.25)) * random.uniform(0.5, 1.5),
        touching=random.choice((0.0, 0.5, 1.0)),
        contact=(-0.04, 0.04),
        unevenness=random.uniform(0.0, 0.05),
        climb=random.normal(0, 0.006),
        pen=height * random.uniform(0.04, 0.08),
        real=0.0,
        elastic=elastic,
    )


def write(text: str, hand: Hand, height: int, source: Glyphs, random: Random) -> Grey:
    """Draw `text` as ink, uint8 [height, width], with narrow margins."""
    page = np.zeros((height, int((len(text) + 1) * hand.size * 2.2) + height), np.uint8)
    edge = np.full(height, _FAR_LEFT)  # right edge of the ink so far, in each row
    base = (height + hand.size) / 2 + random.uniform(-1, 1) * 0.5 * max(2, height - hand.size)
    left, right = height // 8, height // 8
    for symbol in text:
        unevenness = hand.unevenness * hand.size
        if symbol in DIGITS:
            shape = Shape(
                size=hand.size * float(np.exp(random.normal(0, hand.unevenness))),
                slant=hand.slant + random.normal(0, 0.06),
                turn=random.normal(0, 0.04),
                stretch=hand.stretch * random.uniform(0.88, 1.12),
            )
            glyph, above = source.take(int(symbol), shape, hand, random), 0.0
        else:
            mark = separators.draw(symbol, hand.size, hand.pen, random)
            glyph, above = mark.ink, mark.above
        lowest = base - above + random.normal(0, 0.5 * unevenness) - hand.climb * right
        top = int(np.clip(lowest - glyph.shape[0], -0.04 * glyph.shape[0], height - 2))
        glyph, top = _fit(glyph, top, height)
        left = max(
            _place(glyph, top, edge, right, hand, random), left + int(_SHORTEST_ADVANCE * height)
        )
        if left + glyph.shape[1] >= page.shape[1]:
            break
        part = page[top : top + glyph.shape[0], left : left + glyph.shape[1]]
        np.maximum(part, glyph, out=part)
        _advance(edge, glyph, top, left)
        right = max(right, left + glyph.shape[1])
    else:
        return page[:, : right + height // 8]
    raise ValueError(f"the page is too short for {label(text)}")


def thicken(ink: Grey, amount: float) -> Grey:
    """Make strokes wider (`amount` > 0) or thinner (< 0), by up to one pixel."""
    operation = cv2.dilate if amount > 0 else cv2.erode
    changed = operation(ink, _CROSS)
    share = abs(amount)
    return cv2.addWeighted(changed, share, ink, 1 - share, 0)


_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def _fit(glyph: Glyph, top: int, height: int) -> tuple[Glyph, int]:
    """Clip a glyph at row `top` to the page; return it and its row."""
    above, below = max(0, -top), max(0, top + glyph.shape[0] - height)
    return glyph[above : glyph.shape[0] - below], max(0, top)


def _place(
    glyph: Glyph, top: int, edge: NDArray[np.int_], right: int, hand: Hand, random: Random
) -> int:
    """Return the column at which `glyph` follows the ink so far, apart from it or touching."""
    gap = hand.size * hand.gap * random.uniform(0.4, 1.6)
    if random.random() >= hand.touching:
        return int(right + gap)
    marked = glyph > INK
    first = np.where(marked.any(axis=1), marked.argmax(axis=1), -_FAR_LEFT)
    # Strokes within two rows touch too.
    near = edge[top : top + len(first)].astype(np.float32)
    near = cv2.dilate(near[:, None], np.ones((5, 1), np.uint8))[:, 0]
    contact = int((near - first).max())
    if contact < _FAR_LEFT // 2:
        return int(right + gap)
    return contact + round(random.uniform(*hand.contact) * hand.size)


def _advance(edge: NDArray[np.int_], glyph: Glyph, top: int, left: int) -> None:
    marked = glyph > INK
    last = glyph.shape[1] - marked[:, ::-1].argmax(axis=1)
    rows = edge[top : top + len(glyph)]
    np.maximum(rows, np.where(marked.any(axis=1), left + last, _FAR_LEFT), out=rows)
