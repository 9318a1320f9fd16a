"""Training strips: composed, real, and spliced from real ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist import Digits, Images
from models.strips import STRIDE, Grey, standardise
from training.reader import texts
from training.reader.amounts import Amount
from training.reader.distort import Bending, bend, scan
from training.reader.ink import Random, cut_out
from training.reader.line import NO_LETTERS, Glyphs, any_hand, thicken, tidy_hand, write
from training.reader.nothing import nothing
from training.reader.paper import Backgrounds, erased, paper, real_paper, rule
from training.reader.real import splice, tighten
from training.reader.texts import steps_needed

_TOUCH = (-0.04, 0.0)  # distance between touching strokes, in heights of a digit
_ELASTIC = 0.5
_LIGHT_BENDING = Bending(slant=0.1, turn=0.02, scale=0.05, stretch=0.05, shift=0.0)


@dataclass(frozen=True)
class Sample:
    """A standardised strip, its text, and whether that includes the separators."""

    pixels: Grey
    text: str
    separators_labelled: bool


@dataclass(frozen=True)
class Material:
    """Sources of the strips: glyphs, real amounts and cells, and papers of both.

    `cut_cells` are those of the `cells` with boxes.
    """

    glyphs: Glyphs
    amounts: Sequence[Amount]
    papers: Backgrounds
    cells: Sequence[Amount] = ()
    cut_cells: Sequence[Amount] = ()
    cell_papers: Backgrounds = ()

    @classmethod
    def of(
        cls,
        digits: Digits,
        amounts: Sequence[Amount],
        cells: Sequence[Amount] = (),
        cut_cells: Sequence[Amount] = (),
        letters: Images = NO_LETTERS,
    ) -> "Material":
        """Create material from MNIST's `digits`, `letters` in their form, and real strips."""
        glyphs = Glyphs.of(digits, cut_out([*amounts, *cut_cells]), letters)
        return cls(glyphs, amounts, erased(amounts), cells, cut_cells, erased(cut_cells))


@dataclass(frozen=True)
class Mixture:
    """Shares of the kinds of strips; the rest is composed.

    Of that, `tidy` is written and scanned tidily and `in_cells` in cells; `signed` have fractions,
    signs or letters.
    """

    real: float = 0.25
    spliced: float = 0.20
    empty: float = 0.04
    tidy: float = 0.0
    cells: float = 0.0
    spliced_cells: float = 0.0
    in_cells: float = 0.0
    signed: float = 0.1


def draw(material: Material, mixture: Mixture, random: Random) -> Sample:
    """Draw a strip of a kind chosen by `mixture`."""
    kinds = (
        (mixture.real, lambda: _real(material.amounts, random)),
        (mixture.spliced, lambda: _spliced(material.amounts, random)),
        (mixture.cells, lambda: _real(material.cells, random)),
        (mixture.spliced_cells, lambda: _spliced(material.cut_cells or material.amounts, random)),
        (mixture.empty, lambda: empty(material, random)),
        (1.0, lambda: _composed(material, mixture, random)),
    )
    ends = np.cumsum([share for share, _ in kinds])
    while True:
        sample = kinds[int(np.searchsorted(ends, random.random(), side="right"))][1]()
        if steps_needed(sample.text) <= sample.pixels.shape[1] // STRIDE:
            return sample


def _composed(material: Material, mixture: Mixture, random: Random) -> Sample:
    signed = random.random() < mixture.signed
    text = texts.signed_text(random) if signed else texts.text(random)
    kind = random.random()
    if kind < mixture.in_cells:
        return in_cell(material, text, random)
    if kind < mixture.in_cells + mixture.tidy:
        return tidy(material, text, random, elastic=_ELASTIC)
    return composed(material, text, random)


def composed(
    material: Material, text: str, random: Random, *, touching: bool | None = None
) -> Sample:
    """Compose a scan of `text`, by any writer on any paper.

    With `touching`, all digits touch (True) or none does (False), and all are MNIST's.
    """
    height = int(random.integers(36, 72))
    hand = any_hand(height, random)
    if touching is not None:
        hand = replace(hand, touching=float(touching), real=0.0)
    ink = write(text, hand, height, material.glyphs, random)
    return Sample(_on_paper(ink, material, random), texts.label(text), True)


def tidy(
    material: Material,
    text: str,
    random: Random,
    *,
    touching: bool | None = None,
    noise: tuple[float, float] = (0.0, 0.6),
    elastic: float = 0.0,
) -> Sample:
    """Compose a legible scan of `text` in MNIST's digits, written tidily.

    With `touching`, all digits touch (True) or none does (False). `noise` is the range of the
    strength of the scan; `elastic` distorts each digit like `training.augment`.
    """
    height = int(random.integers(28, 72))
    hand = tidy_hand(height, random, elastic=elastic)
    if touching is not None:
        hand = replace(hand, touching=float(touching), contact=_TOUCH)
    ink = write(text, hand, height, material.glyphs, random)
    return Sample(_on_good_paper(ink, material, random, noise), texts.label(text), True)


def in_cell(material: Material, text: str, random: Random) -> Sample:
    """Compose a small photo of a cell with `text`, often faint, with lines and neighbours."""
    height = int(random.integers(28, 56))
    hand = tidy_hand(height, random, elastic=_ELASTIC)
    hand = replace(hand, real=random.choice((0.0, 0.5, 1.0)), slant=random.normal(0, 0.12))
    ink = write(text, hand, height, material.glyphs, random)
    if random.random() < 0.5:
        ink = thicken(ink, random.uniform(-0.5, 0.7))
    above, below = (int(height * room) for room in random.uniform(-0.05, 0.55, 2))
    before, after = (int(height * room) for room in random.exponential(0.35, 2))
    ink = cv2.copyMakeBorder(
        ink[max(0, -above) : height - max(0, -below)],
        *(max(0, above), max(0, below), before, after),
        cv2.BORDER_CONSTANT,
        value=0,
    )
    if random.random() < 0.12:
        # The lower ends of the row above.
        other = write(texts.digits(3, random), hand, height, material.glyphs, random)
        ends = other[-int(height * random.uniform(0.15, 0.35)) :, : ink.shape[1]]
        part = ink[: ends.shape[0], : ends.shape[1]]
        np.maximum(part, ends[: part.shape[0]], out=part)
    if random.random() < 0.6 and len(material.cell_papers):
        strip = real_paper(*ink.shape, material.cell_papers, random)
    else:
        light = random.uniform(60, 240) * random.uniform(0.85, 1.0, (2, 3))
        strip = cv2.resize(light.astype(np.float32), ink.shape[::-1]).astype(np.uint8)
        for _ in range(int(random.integers(0, 3))):
            rule(strip, random)
    strip = _written(strip, ink, random, darkest=0.85)
    share = random.uniform(26, 44) / strip.shape[0]
    if share < 1:
        strip = cv2.resize(strip, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    strip = scan(strip, random, strength=random.uniform(0.0, 0.6))
    return Sample(standardise(strip).pixels, texts.label(text), True)


def empty(material: Material, random: Random) -> Sample:
    """Compose a strip without digits; its letters and signs are not labelled."""
    ink = nothing(int(random.integers(36, 72)), random)
    return Sample(_on_paper(ink, material, random), "", False)


def _real(amounts: Sequence[Amount], random: Random) -> Sample:
    amount = amounts[random.integers(len(amounts))]
    grey = tighten(amount.grey, amount, random) if amount.boxes else _trim(amount.grey, random)
    text = amount.raw if amount.raw is not None else amount.digits
    return Sample(_again(grey, random), text, amount.raw is not None)


def _trim(grey: Grey, random: Random) -> Grey:
    """Cut off up to a twelfth of each side."""
    height, width = grey.shape
    top, bottom = (int(height * share) for share in random.uniform(0, 1 / 12, 2))
    left, right = (int(width * share) for share in random.uniform(0, 1 / 12, 2))
    return grey[top : height - bottom, left : width - right]


def _spliced(amounts: Sequence[Amount], random: Random) -> Sample:
    strip, digits = splice(amounts, random)
    return Sample(_again(strip, random), digits, False)


def _again(strip: Grey, random: Random) -> Grey:
    """Change a real strip as if written by another person and scanned by another scanner."""
    if random.random() < 0.9:
        strip = bend(strip, Bending(), random)
    if random.random() < 0.3:
        # Inverted, because `thicken` expects ink.
        strip = 255 - thicken(255 - strip, random.uniform(-0.6, 0.6))
    return standardise(scan(strip, random, strength=0.5)).pixels


def _on_good_paper(
    ink: Grey, material: Material, random: Random, noise: tuple[float, float]
) -> Grey:
    height, width = ink.shape
    before, after = (int(height * room) for room in random.exponential(0.12, 2))
    ink = cv2.copyMakeBorder(ink, 0, 0, before, after, cv2.BORDER_CONSTANT, value=0)
    if random.random() < 0.3:
        ink = thicken(ink, random.uniform(-0.3, 0.6))
    height, width = ink.shape
    if random.random() < 0.5:
        strip = np.full((height, width), random.uniform(110, 250), np.uint8)
    else:
        # Reduce the print to a third of its darkness.
        printed = paper(height, width, material.papers, random)
        level = int(np.median(printed))
        strip = cv2.addWeighted(printed, 0.35, np.full_like(printed, level), 0.65, 0)
    if random.random() < 0.15:
        rule(strip, random)
    strip = _written(strip, ink, random, darkest=0.4)
    return standardise(scan(strip, random, strength=random.uniform(*noise))).pixels


def _on_paper(ink: Grey, material: Material, random: Random) -> Grey:
    height, width = ink.shape
    before, after = (int(height * room) for room in random.exponential(0.12, 2))
    ink = cv2.copyMakeBorder(ink, 0, 0, before, after, cv2.BORDER_CONSTANT, value=0)
    if random.random() < 0.8:
        ink = bend(ink, _LIGHT_BENDING, random, border=cv2.BORDER_CONSTANT)
    if random.random() < 0.5:
        ink = thicken(ink, random.uniform(-0.5, 1.0))
    if random.random() < 0.3:
        ink = cv2.GaussianBlur(ink, (0, 0), random.uniform(0.4, 0.8))
    height, width = ink.shape
    strip = paper(height, width, material.papers, random)
    if random.random() < 0.35:
        rule(strip, random)
    strip = _written(strip, ink, random)
    return standardise(scan(strip, random, strength=random.uniform(0.2, 1.0))).pixels


def _written(strip: Grey, ink: Grey, random: Random, *, darkest: float = 0.55) -> Grey:
    grey = strip.astype(np.float32)
    pen = float(np.median(grey)) * random.uniform(0.05, darkest)
    opacity = ink * np.float32(1 / 255)
    if random.random() < 0.5:
        opacity *= _pressure(ink.shape, random)
    mixed = grey + (np.minimum(pen, grey) - grey) * opacity
    return np.clip(mixed, 0, 255).astype(np.uint8)


def _pressure(shape: tuple[int, ...], random: Random) -> NDArray[np.float32]:
    coarse = random.uniform(0.55, 1.0, (4, 2 + shape[1] // 12)).astype(np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR)
