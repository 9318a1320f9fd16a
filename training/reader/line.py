"""Compose a line: digits and other symbols side by side, as one writer would."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist import Digits, Images
from models.strips import DIGITS, Grey
from training.augment import Augmentation, warp
from training.reader import separators
from training.reader.ink import INK, Glyph, Random, RealDigits, Shape, write_mnist, write_real
from training.reader.nothing import drawn_letter
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


NO_LETTERS = np.empty((0, 28, 28), np.uint8)


@dataclass(frozen=True)
class Glyphs:
    """Available digits: MNIST's, their positions by digit, and real ones; and `letters`.

    Letters are uint8 [N, 28, 28] in MNIST's form; N may be 0.
    """

    digits: Digits
    places: tuple[NDArray[np.intp], ...]
    real: RealDigits
    letters: Images

    @classmethod
    def of(cls, digits: Digits, real: RealDigits, letters: Images = NO_LETTERS) -> "Glyphs":
        """Index `digits`, and add `real` ones and `letters`."""
        places = tuple(np.flatnonzero(digits.labels == d) for d in range(10))
        return cls(digits, places, real, letters)

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

    def letter(self, shape: Shape, random: Random) -> Glyph:
        """Draw any of the letters in `shape`, or a letter of a simple font."""
        if len(self.letters) and random.random() < 0.7:
            return write_mnist(self.letters[random.integers(len(self.letters))], shape)
        return write_real(drawn_letter(random), shape)


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
    """Draw `text` as ink, uint8 [height, width], with narrow margins.

    What follows `_` is smaller and raised, mostly with a line below it.
    """
    page = np.zeros((height, int((len(text) + 1) * hand.size * 2.2) + height), np.uint8)
    edge = np.full(height, _FAR_LEFT)  # right edge of the ink so far, in each row
    base = (height + hand.size) / 2 + random.uniform(-1, 1) * 0.5 * max(2, height - hand.size)
    left, right = height // 8, height // 8
    advance = int(_SHORTEST_ADVANCE * height)
    unevenness = hand.unevenness * hand.size
    raised_from: int | None = None
    for place, (symbol, scale, lift) in enumerate(zip(text, *_layout(text, random), strict=True)):
        if symbol in " _":
            right += int(hand.size * random.uniform(*_ROOM[symbol]))
            left += advance
            if symbol == "_":
                raised_from = right
            continue
        size = scale * hand.size
        shape = Shape(
            size=size * float(np.exp(random.normal(0, hand.unevenness))),
            slant=hand.slant + random.normal(0, 0.06),
            turn=random.normal(0, 0.04),
            stretch=hand.stretch * random.uniform(0.88, 1.12),
        )
        if symbol in DIGITS:
            glyph, above = source.take(int(symbol), shape, hand, random), 0.0
        elif symbol == "x" and "/" not in text[max(0, place - 2) : place + 3]:
            glyph, above = source.letter(shape, random), random.uniform(-0.2, 0.1) * size
        else:
            mark = separators.draw(symbol, size, hand.pen, random)
            glyph, above = mark.ink, mark.above
        above += lift * hand.size
        lowest = base - above + random.normal(0, 0.5 * unevenness) - hand.climb * right
        top = int(np.clip(lowest - glyph.shape[0], -0.04 * glyph.shape[0], height - 2))
        glyph, top = _fit(glyph, top, height)
        left = max(_place(glyph, top, edge, right, hand, random), left + advance)
        if left + glyph.shape[1] >= page.shape[1]:
            break
        part = page[top : top + glyph.shape[0], left : left + glyph.shape[1]]
        np.maximum(part, glyph, out=part)
        _advance(edge, glyph, top, left)
        right = max(right, left + glyph.shape[1])
    else:
        if raised_from is not None:
            _underline(page, raised_from, right, base, hand, source, random)
        return page[:, : right + height // 8]
    raise ValueError(f"the page is too short for {label(text)}")


_ROOM = {" ": (0.2, 0.7), "_": (0.0, 0.15)}  # heights of a digit


def _layout(text: str, random: Random) -> tuple[list[float], list[float]]:
    """Return size and distance above the baseline of each symbol, in heights of a digit."""
    scales, lifts = [1.0] * len(text), [0.0] * len(text)
    if "_" in text:
        small = random.uniform(0.45, 0.75)
        for place in range(text.index("_") + 1, len(text)):
            scales[place], lifts[place] = small, 1.0 - small + random.uniform(0.0, 0.12)
    elif "/" in text and random.random() < 0.5:
        # Cents: smaller, the upper number raised and the lower one below the line.
        slash = text.rindex("/")
        first = 1 + max(text.rfind(symbol, 0, slash) for symbol in "- .")
        small, rise, drop = random.uniform(0.5, 0.9), *random.uniform(0, 0.3, 2)
        for place in range(first, len(text)):
            scales[place] = small
            lifts[place] = 0.5 * (1 - small) + (rise if place < slash else -drop)
        scales[slash], lifts[slash] = random.uniform(small, 1.0), 0.0
    return scales, lifts


def _underline(
    page: Grey,
    left: int,
    right: int,
    base: float,
    hand: Hand,
    source: Glyphs,
    random: Random,
) -> None:
    """Draw the line below raised cents, and mostly 100 or xx below it, which nobody must read."""
    kind = random.random()
    if kind < 0.15:
        return
    row = int(base - hand.size * random.uniform(0.22, 0.38))
    pen = max(1, round(hand.pen * random.uniform(0.7, 1.1)))
    for _ in range(2 if kind > 0.9 else 1):
        ends = (left, row + int(random.normal(0, 1))), (right, row + int(random.normal(0, 1.5)))
        cv2.line(page, *ends, 255, pen, cv2.LINE_AA)
        row += 2 * pen + 1
    if random.random() < 0.5:
        text = "100" if random.random() < 0.6 else "xx"
        room = (right - left) / len(text), page.shape[0] - row - pen
        for place, symbol in enumerate(text):
            size = min(room[1], 1.6 * room[0], 0.6 * hand.size)
            if size < 4:
                return
            if symbol == "x":
                glyph = separators.draw(symbol, size, pen, random).ink
            else:
                glyph = source.take(int(symbol), Shape(size, hand.slant), hand, random)
            part = page[row + pen :, int(left + place * room[0]) :]
            part = part[: glyph.shape[0], : glyph.shape[1]]
            np.maximum(part, glyph[: part.shape[0], : part.shape[1]], out=part)


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
