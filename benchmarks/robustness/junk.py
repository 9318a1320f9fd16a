"""Pictures that hold no digit, or several.

Training draws some of the kinds too (training/junk.py), with other generators and fonts; the others
are new to the models.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.robustness import pages
from benchmarks.robustness.conditions import jpeg, png
from benchmarks.robustness.pages import SIDE, Cover, Picture, Random, cover, finished, inked, paper
from benchmarks.robustness.results import Group
from benchmarks.robustness.sources import DIGIT_LIKE, LETTERS, letter, photographs
from models.mnist import Digits, Images

_INK = (40, 45, 70)
_NO_INK = np.zeros((28, 28), np.uint8)
_BLANK_SHEETS = (pages.shadowed, pages.ruled, pages.on_grid, pages.boxed)

# Halves that do not look like a digit; one half of most digits looks like another digit.
_TOP, _BOTTOM, _LEFT = np.s_[:14, :], np.s_[14:, :], np.s_[:, :14]
_HALVES = ((0, _TOP), (0, _BOTTOM), (2, _BOTTOM), (4, _TOP), (5, _TOP), (8, _LEFT))


@dataclass(frozen=True)
class Kind:
    """One kind of junk; `render` makes a picture file, given digits to draw on."""

    render: Callable[[Digits, Random], bytes]
    group: Group = Group.NEW


def junk(kind: str, count: int, digits: Digits, *, seed: int) -> list[bytes]:
    """Render `count` picture files of a `kind` in `KINDS`; the seed determines them."""
    key = [seed, zlib.crc32(kind.encode())]
    return [
        KINDS[kind].render(digits, np.random.default_rng([*key, index])) for index in range(count)
    ]


def _blank(_: Digits, random: Random) -> bytes:
    if random.random() < 0.5:
        return jpeg(finished(paper(random), random, noise=random.uniform(0, 6)))
    return jpeg(pages.shadowed(_NO_INK, 0.2, random))


def _empty_form(_: Digits, random: Random) -> bytes:
    sheet = _BLANK_SHEETS[random.integers(1, len(_BLANK_SHEETS))]
    return png(sheet(_NO_INK, 0.6, random))


def _noise(_: Digits, random: Random) -> bytes:
    side = int(random.choice([28, 64, 140]))
    spectrum = np.fft.rfft2(random.standard_normal((side, side)))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    colour = random.uniform(0, 2)  # 0 is white noise, 1 pink, 2 brown
    spectrum /= np.maximum(frequency, 1 / side) ** colour
    noise = np.fft.irfft2(spectrum, (side, side))
    return png(_as_picture(128 + noise / noise.std() * random.uniform(20, 80)))


def _scribble(_: Digits, random: Random) -> bytes:
    time = np.linspace(0, 2 * np.pi, 600)
    points = np.zeros((600, 2))
    # A sum of waves crosses itself many times, like a scribble.
    for wave in range(2, int(random.integers(6, 11))):
        swing, phase = random.normal(0, 1 / np.sqrt(wave), 2), random.uniform(0, 2 * np.pi, 2)
        points += swing * np.sin(wave * time[:, None] + phase)
    points = SIDE / 2 + points * (0.38 * SIDE / np.abs(points).max())
    strokes = np.zeros((SIDE, SIDE), np.float32)
    path = np.rint(points * 16).astype(np.int32)
    cv2.polylines(strokes, [path], False, 1.0, int(random.integers(3, 11)), shift=4)
    return png(_written(strokes, random))


def _bent_letter(letters: str, random: Random) -> bytes:
    return png(_written(_bent(letter(SIDE, random, letters), random), random))


def _several_digits(digits: Digits, random: Random) -> bytes:
    count = int(random.integers(2, 5))
    chosen = [cover(image) for image in digits.images[random.integers(len(digits), size=count)]]
    step = round(SIDE * random.uniform(0.65, 0.95))
    strip = np.zeros((SIDE + 20, step * (count - 1) + SIDE), np.float32)
    for index, covered in enumerate(chosen):
        top = int(random.integers(0, 20))
        window = strip[top : top + SIDE, index * step : index * step + SIDE]
        np.maximum(window, covered, out=window)
    return png(_written(strip, random))


def _half_digit(digits: Digits, random: Random) -> bytes:
    digit, half = _HALVES[random.integers(len(_HALVES))]
    images: Images = digits.images[digits.labels == digit]
    cut = np.zeros((28, 28), np.uint8)
    if len(images):
        cut[half] = images[random.integers(len(images))][half]
    return png(_written(cover(cut), random))


def _photograph(_: Digits, random: Random) -> bytes:
    found = photographs()
    photograph = found[random.integers(len(found))]
    side = int(random.integers(60, 300))
    height, width = photograph.shape[:2]
    top, left = random.integers(height - side), random.integers(width - side)
    return jpeg(photograph[top : top + side, left : left + side])


def _surface(random: Random, *kinds: Callable[[Random], Cover]) -> bytes:
    make = kinds[random.integers(len(kinds))]
    return jpeg(finished(make(random)[..., None] * np.ones(3, np.float32), random, noise=6))


def _cells(random: Random) -> Cover:
    seeds = np.full((SIDE, SIDE), 255, np.uint8)
    points = random.integers(0, SIDE, (int(random.integers(8, 60)), 2))
    seeds[points[:, 0], points[:, 1]] = 0
    return 255 - cv2.distanceTransform(seeds, cv2.DIST_L2, 5) * random.uniform(2, 8)


def _bricks(random: Random) -> Cover:
    wall = np.full((SIDE, SIDE), random.uniform(90, 160), np.float32)
    height, width = int(random.integers(15, 40)), int(random.integers(30, 70))
    mortar = int(random.integers(2, 6))
    for row, top in enumerate(range(0, SIDE, height)):
        wall[top : top + mortar] = 220
        for left in range(row % 2 * width // 2, SIDE, width):
            wall[top : top + height, left : left + mortar] = 220
    return wall


def _wood(random: Random) -> Cover:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    middle = random.uniform(-2, 0.5, 2)
    rings = np.hypot((x - middle[0]) * random.uniform(1, 4), y - middle[1])
    return (140 + 60 * np.sin(rings * random.uniform(15, 60))).astype(np.float32)


def _bent(strokes: Cover, random: Random) -> Cover:
    """Bend strokes as an unsteady hand does."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    knots = random.normal(0, 6, (2, 5, 5)).astype(np.float32)
    across, down = (
        cv2.resize(moves, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for moves in knots
    )
    slant = random.uniform(-0.3, 0.3) * (y - SIDE / 2)
    return cv2.remap(strokes, x + across + slant, y + down, cv2.INTER_LINEAR)


def _written(strokes: Cover, random: Random) -> Picture:
    return finished(inked(paper(random, *strokes.shape), strokes, _INK), random)


def _as_picture(values: np.ndarray) -> Picture:
    return np.clip(values, 0, 255).astype(np.uint8)


KINDS = {
    "scribbles": Kind(_scribble, Group.TRAINED),
    "printed letters": Kind(
        lambda _, random: png(_written(letter(SIDE, random), random)), Group.TRAINED
    ),
    "bent letters": Kind(lambda _, random: _bent_letter(LETTERS, random), Group.TRAINED),
    "several digits": Kind(_several_digits, Group.TRAINED),
    "noise": Kind(_noise, Group.TRAINED),
    "wood grain": Kind(lambda _, random: _surface(random, _wood), Group.TRAINED),  # almost stripes
    "blank paper": Kind(_blank),
    "empty form": Kind(_empty_form),
    "half digits": Kind(_half_digit),
    "photographs": Kind(_photograph),
    "textures": Kind(lambda _, random: _surface(random, _cells, _bricks)),
    "digit-like letters": Kind(lambda _, random: _bent_letter(DIGIT_LIKE, random), Group.APART),
}
