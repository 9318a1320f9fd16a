"""Training strips: composed, real, and spliced from real ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist import Digits
from models.strips import STRIDE, Grey, standardise
from training.reader import texts
from training.reader.amounts import Amount
from training.reader.distort import Bending, bend, scan
from training.reader.ink import Random, cut_out
from training.reader.line import Glyphs, any_hand, thicken, tidy_hand, write
from training.reader.nothing import nothing
from training.reader.paper import Backgrounds, erased, paper, rule
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
    """Sources of the strips: glyphs, real amounts, papers."""

    glyphs: Glyphs
    amounts: Sequence[Amount]
    papers: Backgrounds

    @classmethod
    def of(cls, digits: Digits, amounts: Sequence[Amount]) -> "Material":
        """Create material from MNIST's `digits` and real `amounts`."""
        return cls(Glyphs.of(digits, cut_out(amounts)), amounts, erased(amounts))


@dataclass(frozen=True)
class Mixture:
    """Shares of the kinds of strips; the rest is composed, `tidy` of it tidily."""

    real: float = 0.25
    spliced: float = 0.20
    empty: float = 0.04
    tidy: float = 0.0


def draw(material: Material, mixture: Mixture, random: Random) -> Sample:
    """Draw a strip of a kind chosen by `mixture`."""
    while True:
        kind = random.random()
        if kind < mixture.real:
            sample = _real(material, random)
        elif kind < mixture.real + mixture.spliced:
            sample = _spliced(material, random)
        elif kind < mixture.real + mixture.spliced + mixture.empty:
            sample = empty(material, random)
        elif random.random() < mixture.tidy:
            sample = tidy(material, texts.plain_text(random), random, elastic=_ELASTIC)
        else:
            sample = composed(material, texts.text(random), random)
        if steps_needed(sample.text) <= sample.pixels.shape[1] // STRIDE:
            return sample


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


def empty(material: Material, random: Random) -> Sample:
    """Compose a strip without digits."""
    ink = nothing(int(random.integers(36, 72)), random)
    return Sample(_on_paper(ink, material, random), "", True)


def _real(material: Material, random: Random) -> Sample:
    amount = material.amounts[random.integers(len(material.amounts))]
    return Sample(_again(tighten(amount.grey, amount, random), random), amount.digits, False)


def _spliced(material: Material, random: Random) -> Sample:
    strip, digits = splice(material.amounts, random)
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
