"""The ink of a picture: darker or lighter than the paper, without specks, cropped to its box."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from service.imaging.clutter import print_edge, written
from service.imaging.greyscale import Picture, as_picture

# Ink differs from the paper by at least this many grey levels, its soft edge by fewer.
_FAINTEST_INK = 10
_FAINTEST_EDGE = 3

# Ink exceeds the noise this many times. On a printed background, which is a kind of noise, less is
# enough: levels on the other side of the paper's tone show how far noise alone reaches, and ink
# starts where noise makes up no more than this share of the pixels.
_NOISE_MULTIPLE = 4
_NOISE_SHARE = 0.5

# The tone of the ink is the level below which this share of its pixels lies.
_FULL_TONE = 0.90

# A stroke is followed from its dark middle down to this share of its full tone.
_EDGE = 0.25

# Pieces of at least this share of the height of all ink, with a gap between them, are several
# digits: true of 99 of 100 pairs of MNIST's training images, and of one in 4,000 single ones.
_HIGH_PIECE = 0.6

# This many lines of this share of the height, or two higher ones, are no single digit.
_MOST_LINES = 3
_LOW_LINE = 0.04
_HIGH_LINE = 0.3

# A piece with less than this share of the largest piece's area is a speck.
_SPECK = 0.04

# Fewer pixels of ink are no writing.
_FEWEST_PIXELS = 4

# Neighbours of ink are ink, neighbours of noise are anything: `_coherence` is 0.3 or more on
# training images and cheques, 0.25 or less on pure noise. With very few pixels the two overlap.
_LEAST_COHERENCE = 0.25
_FEWEST_TO_JUDGE = 150


@dataclass(frozen=True, eq=False)
class Ink:
    """The writing on a picture.

    Attributes:
        picture: uint8, ink (up to 255) on black (0), cropped to its box.
        several: it has several lines, or several pieces side by side nearly as high as the box.
    """

    picture: Picture
    several: bool


def find_ink(picture: Picture, paper: Picture) -> Ink | None:
    """Cut out the ink with its soft edges; return None if there is none.

    Args:
        picture: uint8 [height, width], ink lighter than the paper.
        paper: uint8 [height, width], the picture without its ink.
    """
    contrast = as_picture(cv2.subtract(picture, paper))
    levels = _histogram(contrast)
    noise = _histogram(as_picture(cv2.subtract(paper, picture)))
    floor = _noise_floor(levels, noise)
    tone = _tone(np.maximum(levels - noise, 0.0), max(floor, _FAINTEST_INK // 2))
    if tone < _FAINTEST_INK:
        return None
    edge = print_edge(contrast, max(floor, round(_EDGE * tone)))
    strokes = _strokes(contrast, edge=edge, core=max(edge, tone / 2))
    if strokes is None:
        return None
    x, y, width, height = strokes.box
    crop = contrast[y : y + height, x : x + width]
    soft_edged = cv2.bitwise_and(crop, crop, mask=cv2.dilate(strokes.mask, np.ones((3, 3))))
    return Ink(as_picture(cv2.convertScaleAbs(soft_edged, alpha=255.0 / tone)), strokes.several)


@dataclass(frozen=True, eq=False)
class _Strokes:
    """Where the ink is: `mask` uint8 [height, width], 255 or 0; `box` (x, y, width, height)."""

    mask: Picture
    box: tuple[int, int, int, int]
    several: bool


def _histogram(values: Picture) -> NDArray[np.float64]:
    return cv2.calcHist([values], [0], None, [256], [0, 256]).ravel().astype(np.float64)


def _noise_floor(levels: NDArray[np.float64], noise: NDArray[np.float64]) -> int:
    # Half of the paper's pixels are above its tone and count as 0 here, hence (1 + 0.68) / 2.
    deviation = int(np.searchsorted(np.cumsum(noise), 0.84 * noise.sum()))
    noise_beyond, ink_beyond = (np.cumsum(counts[::-1])[::-1] for counts in (noise, levels))
    mostly_ink = int(np.argmax(noise_beyond <= _NOISE_SHARE * ink_beyond))
    return max(_FAINTEST_EDGE, min(_NOISE_MULTIPLE * deviation, mostly_ink))


def _tone(excess: NDArray[np.float64], floor: int) -> int:
    # `excess`: the pixels at each level beyond those of noise alone.
    ink = np.cumsum(np.where(np.arange(excess.size) > floor, excess, 0.0))
    return int(np.searchsorted(ink, _FULL_TONE * ink[-1])) if ink[-1] >= _FEWEST_PIXELS else 0


def _strokes(contrast: Picture, *, edge: int, core: float) -> _Strokes | None:
    _, mask = cv2.threshold(contrast, edge, 255, cv2.THRESH_BINARY)
    _, labels, pieces, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    core_areas = np.bincount(labels.ravel()[np.flatnonzero(contrast > core)], minlength=len(pieces))
    core_areas[0] = 0
    core_areas = np.where(written(pieces, core_areas, contrast.shape), core_areas, 0)
    largest = int(core_areas.max())
    if largest < _FEWEST_PIXELS:
        return None
    selected = core_areas >= max(1.0, _SPECK * largest)
    x, y = pieces[selected, :2].min(axis=0).tolist()
    right, bottom = (pieces[selected, :2] + pieces[selected, 2:4]).max(axis=0).tolist()
    ink = selected[labels[y:bottom, x:right]]
    if contrast.size >= _FEWEST_TO_JUDGE and _coherence(ink, contrast.size) < _LEAST_COHERENCE:
        return None
    box = (x, y, right - x, bottom - y)
    several = _are_in_lines(ink) or _are_side_by_side(pieces[selected], box)
    return _Strokes(ink.astype(np.uint8) * np.uint8(255), box, several)


def _are_in_lines(ink: NDArray[np.bool_]) -> bool:
    # A line is a run of rows with ink.
    rows = np.concatenate(([0], ink.any(axis=1), [0]))
    turns = np.flatnonzero(np.diff(rows))
    heights = (turns[1::2] - turns[::2]) / len(ink)
    return bool((heights >= _LOW_LINE).sum() >= _MOST_LINES or (heights >= _HIGH_LINE).sum() >= 2)


def _are_side_by_side(pieces: NDArray[Any], box: tuple[int, int, int, int]) -> bool:
    high = pieces[pieces[:, 3] >= _HIGH_PIECE * box[3]]
    high = high[np.argsort(high[:, 0])]
    gaps = high[1:, 0] - np.maximum.accumulate(high[:, 0] + high[:, 2])[:-1]
    return bool((gaps >= 0).any())


def _coherence(ink: NDArray[np.bool_], pixels: int) -> float:
    # How much likelier a neighbour of ink is ink than any other pixel; 0 by chance.
    count = int(np.count_nonzero(ink))
    pairs = np.count_nonzero(ink[:, 1:] & ink[:, :-1]) + np.count_nonzero(ink[1:] & ink[:-1])
    density = min(count / pixels, 0.99)
    return float((pairs / (2 * count) - density) / (1.0 - density))
