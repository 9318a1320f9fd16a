"""Pictures as people send them: crops, cells, scans; digits cut off; pages without a digit.

Functions take a digit uint8 [28, 28], white on black, a level and a random generator, and return
a picture uint8 [height, width, 3] (red, green, blue). Those for `blank` change a page.
"""

from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.robustness.pages import (
    Colour,
    Cover,
    Image,
    Page,
    Picture,
    Random,
    cover,
    finished,
    inked,
    paper,
    shadow,
    slope,
)

_INK_SHARE = 20 / 28  # of the side of an MNIST image
_INKED = 0.4  # cover of the edge of a stroke


def beside_band(image: Image, width: float, random: Random) -> Picture:
    """Scan with a dark band at a side, `width` of the page wide; sometimes with a second one."""
    page = _written(image, random)
    tone = random.uniform(0, 70)
    for axis in (1, 0) if random.random() < 0.4 else (1,):
        band = round(width * random.uniform(0.7, 1.0) * page.shape[axis])
        pad = [(0, 0)] * 3
        pad[axis] = (band, 0) if random.random() < 0.5 else (0, band)
        page = np.pad(page, pad, constant_values=tone)
    return finished(cv2.GaussianBlur(page, (0, 0), random.uniform(0.4, 1.2)), random, noise=2.5)


def tightly_cropped(image: Image, bolder: float, random: Random) -> Picture:
    """Crop a digit at its ink, its strokes wider by this share of its side, in either polarity."""
    side = int(random.integers(28, 90))
    covered = cv2.dilate(cover(image, side), np.ones((max(1, round(bolder * side)),) * 2))
    margin = int(random.integers(0, 3))
    covered = cv2.copyMakeBorder(_cut(covered), *[margin] * 4, cv2.BORDER_CONSTANT)
    light, dark = random.uniform(150, 255), random.uniform(0, 80)
    ground, ink = (light, dark) if random.random() < 0.5 else (dark, light)
    page = np.full((*covered.shape, 3), ground, np.float32)
    return finished(inked(page, covered, (ink, ink, ink)), random)  # type: ignore[arg-type]


def on_cell_lines(image: Image, darkness: float, random: Random) -> Picture:
    """Write on the bottom line of a table's cell, with lines at other sides."""
    height = int(random.integers(36, 110))
    width = int(height * random.uniform(0.8, 1.6))
    covered = _placed(image, height, width, random, random.uniform(0.5, 0.8))
    x, y, digit_width, digit_height = _box(covered)
    thick = max(1, round(height * random.uniform(0.015, 0.04)))
    lines = np.zeros((height, width), np.float32)
    bottom = min(height - thick, y + digit_height - int(random.integers(-1, 3)))
    lines[bottom : bottom + thick] = 1
    if random.random() < 0.5:
        left = int(random.integers(0, max(1, x - 1)))
        lines[:, left : left + thick] = 1
    if random.random() < 0.3:
        right = min(width - thick, x + digit_width + int(random.integers(1, 10)))
        lines[:, right : right + thick] = 1
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(-1.5, 1.5), 1)
    lines = cv2.warpAffine(lines, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    page = inked(paper(random, height, width), lines * darkness, (30, 30, 30))
    return finished(inked(page, covered, _pen(random)), random)


def across_shadow(image: Image, darkness: float, random: Random) -> Picture:
    """Cast a shadow with a clear edge that takes this share of the light."""
    page = _written(image, random, share=random.uniform(0.35, 0.7))
    return finished(page * shadow(page, darkness, random), random, noise=2.5)


def flagged_one(_: Image, flag: float, random: Random) -> Picture:
    """Write a 1 with a flag of this share of its height, and sometimes a foot."""
    height, width = (int(side) for side in random.integers(70, 140, 2))
    covered = np.zeros((height, width), np.uint8)
    size = random.uniform(0.55, 0.8) * height
    x, top = width * random.uniform(0.45, 0.6), random.uniform(0.08, 0.15) * height
    foot = x - size * random.uniform(-0.05, 0.15), top + size
    angle = random.uniform(0.5, 1.0)
    strokes = [
        ((x, top), foot),
        ((x, top), (x - flag * size * np.sin(angle), top + flag * size * np.cos(angle))),
    ]
    if random.random() < 0.3:
        reach = random.uniform(0.12, 0.25) * size
        strokes.append(((foot[0] - reach, foot[1]), (foot[0] + reach, foot[1])))
    thick = max(2, round(size * random.uniform(0.05, 0.12)))
    for start, end in strokes:
        ends = [tuple(round(16 * value) for value in point) for point in (start, end)]
        cv2.line(covered, *ends, 255, thick, cv2.LINE_AA, shift=4)
    page = inked(paper(random, height, width), covered.astype(np.float32) / 255, _pen(random))
    return finished(page, random)


def beside_neighbour(pair: Image, seen: float, random: Random) -> Picture:
    """Write two digits uint8 [28, 56], the second of which shows this share before the rim."""
    height = int(random.integers(60, 130))
    size = random.uniform(0.55, 0.85) * height / _INK_SHARE
    digit, other = (
        _cut(cover(image, round(size * scale)))[:height]
        for image, scale in ((pair[:, :28], 1.0), (pair[:, 28:], random.uniform(0.85, 1.1)))
    )
    other = other[:, : max(3, round(seen * other.shape[1]))]
    gap = int(random.integers(2, 12))
    width = digit.shape[1] + gap + other.shape[1] + int(random.integers(4, 40))
    covered = np.zeros((height, width), np.float32)
    _lay(covered, other, width - other.shape[1], random)
    _lay(covered, digit, width - other.shape[1] - gap - digit.shape[1], random)
    page = inked(paper(random, height, width), covered, _pen(random))
    if random.random() < 0.5:
        page = np.rot90(page, 2).copy()[::-1].copy()
    return finished(page, random)


def cut_by_rim(image: Image, lost: float, random: Random) -> Picture:
    """Crop a digit so that this share of it is lost at one side, with room at the others."""
    digit = _cut(
        cover(image, round(random.uniform(0.7, 1.0) * random.integers(60, 120) / _INK_SHARE))
    )
    turns = int(random.integers(4))
    digit = np.rot90(digit, turns)
    digit = digit[:, round(lost * digit.shape[1]) :]
    room = random.integers(5, 20, 3)
    covered = np.pad(digit, ((room[0], room[1]), (0, room[2])))
    covered = np.ascontiguousarray(np.rot90(covered, -turns))
    return finished(inked(paper(random, *covered.shape), covered, _pen(random)), random)


def blank(change: Callable[[Page, float, Random], Page]) -> Callable[..., Picture]:
    """Return a function for pictures of blank pages that `change` changes."""
    return lambda _, level, random: finished(change(_blank(random), level, random), random)


def grainy_sheet(_: Image, noise: float, random: Random) -> Picture:
    """Scan a blank page with noise of this many grey levels."""
    return finished(_blank(random), random, noise=noise)


def blurred(page: Page, blur: float, random: Random) -> Page:
    """Blur by this many pixels."""
    return cv2.GaussianBlur(page, (0, 0), blur)


def unevenly_lit(page: Page, strength: float, random: Random) -> Page:
    """Light from a side."""
    return page * (1 - strength * (slope(page, random) + 1.5) / 3)[..., None]


def in_shadow(page: Page, darkness: float, random: Random) -> Page:
    """Cast a shadow with an edge."""
    return page * shadow(page, darkness, random)


def ruled(page: Page, darkness: float, random: Random) -> Page:
    """Rule lines."""
    spacing, thick = int(random.integers(14, 50)), int(random.integers(1, 3))
    for row in range(int(random.integers(spacing)), len(page), spacing):
        page[row : row + thick] *= 1 - darkness
    return page


def on_grid(page: Page, darkness: float, random: Random) -> Page:
    """Rule lines in both directions."""
    ruled(ruled(page, darkness, random).transpose(1, 0, 2), darkness, random)
    return page


def boxed(page: Page, darkness: float, random: Random) -> Page:
    """Print the box of a form."""
    height, width, _ = page.shape
    low = round(0.08 * min(height, width))
    lines = np.zeros((height, width), np.float32)
    corner = width - low - int(random.integers(5)), height - low - int(random.integers(5))
    cv2.rectangle(lines, (low, low), corner, darkness, int(random.integers(1, 3)))
    return inked(page, lines, (30, 30, 30))


def banded(page: Page, width: float, random: Random) -> Page:
    """Leave a dark band at a side."""
    page[:, : round(width * page.shape[1])] = random.uniform(0, 60)
    return page


def speckled(page: Page, specks: float, random: Random) -> Page:
    """Leave specks of dust."""
    for _ in range(int(specks)):
        at = int(random.integers(page.shape[1])), int(random.integers(page.shape[0]))
        cv2.circle(page, at, int(random.integers(0, 2)), (60, 60, 60), -1)
    return page


def stained(page: Page, strength: float, random: Random) -> Page:
    """Stain with clouds of this many grey levels."""
    height, width, _ = page.shape
    clouds = random.standard_normal((height // 8 + 2, width // 8 + 2)).astype(np.float32)
    clouds = cv2.resize(clouds, (width, height), interpolation=cv2.INTER_CUBIC)
    return page - strength * np.abs(clouds)[..., None]


def _written(image: Image, random: Random, share: float | None = None) -> Page:
    height = int(random.integers(60, 200))
    width = int(height * random.uniform(0.8, 1.2))
    covered = _placed(image, height, width, random, share or random.uniform(0.5, 0.85))
    return inked(paper(random, height, width), covered, _pen(random))


def _placed(image: Image, height: int, width: int, random: Random, share: float) -> Cover:
    digit = _cut(cover(image, round(share * min(height, width) / _INK_SHARE)))
    digit = digit[: height - 4, : width - 4]
    covered = np.zeros((height, width), np.float32)
    left = int(random.integers(2, max(3, width - digit.shape[1] - 1)))
    _lay(covered, digit, left, random)
    return covered


def _lay(covered: Cover, digit: Cover, left: int, random: Random) -> None:
    height, width = digit.shape
    top = int(random.integers(0, len(covered) - height + 1))
    window = covered[top : top + height, left : left + width]
    np.maximum(window, digit, out=window)


def _box(covered: Cover) -> tuple[int, int, int, int]:
    x, y, width, height = cv2.boundingRect((covered > _INKED).astype(np.uint8))
    return x, y, width, height


def _cut(covered: Cover) -> Cover:
    x, y, width, height = _box(covered)
    return covered[y : y + height, x : x + width]


def _pen(random: Random) -> Colour:
    tone = int(random.uniform(15, 90))
    return tone, tone, min(255, tone + int(random.integers(60)))


def _blank(random: Random) -> Page:
    height = int(random.integers(60, 260))
    return paper(random, height, int(height * random.uniform(0.7, 1.4)))
