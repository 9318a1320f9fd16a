"""Bands of one tone along the sides of a picture, such as a scanner's dark border: cut off."""

from enum import Enum, auto
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from service.imaging.greyscale import Picture
from service.imaging.paper import mean_and_deviation, otsu

# Bands of one tone along a side: at most so wide as a share of the picture, their lines so pure.
_WIDEST_BAND = 0.5
_BAND_PURITY = 0.97
_BEYOND_BAND = 0.35
_BAND_STEP = 0.06
# Its levels deviate by less than this share of the step.
_BAND_NOISE = 0.1
_LEAST_BANDED_SIDE = 24
# The lines along the two other sides show paper beyond the band, or are bands themselves.
_FLANK = 0.8
_BOTH_FLANKS = 0.6
_LEAST_FLANK = 0.3
# A stroke that runs into a band has this share of its length.
_STROKE_AT_BAND = 0.04
# The line after a band belongs to its soft edge if it differs from the next one by so much.
_SOFT_EDGE = 0.15


class Side(Enum):
    """A side of a picture."""

    LEFT = auto()
    TOP = auto()
    RIGHT = auto()
    BOTTOM = auto()


class Part(NamedTuple):
    """A picture without its bands.

    Attributes:
        picture: the rest of it.
        left, top: the columns and rows that were cut off before it.
        cut: the sides that had bands.
    """

    picture: Picture
    left: int
    top: int
    cut: tuple[Side, ...] = ()


def without_bands(picture: Picture) -> Part:
    """Cut off the dark or light bands along the sides of a reduced `picture` (10 us)."""
    part = Part(picture, 0, 0)
    if min(picture.shape) < _LEAST_BANDED_SIDE:
        return part
    for _ in range(4):
        _, light = otsu(part.picture)
        found = _widest_band(part.picture, light)
        if found is None:
            break
        side, lines = found
        part = Part(
            _split(part.picture, side, lines)[1],
            part.left + lines * (side is Side.LEFT),
            part.top + lines * (side is Side.TOP),
            (*part.cut, side),
        )
    return part


def _split(picture: Picture, side: Side, lines: int) -> tuple[Picture, Picture]:
    # The band, and the rest.
    match side:
        case Side.LEFT:
            return picture[:, :lines], picture[:, lines:]
        case Side.TOP:
            return picture[:lines], picture[lines:]
        case Side.RIGHT:
            return picture[:, -lines:], picture[:, :-lines]
        case Side.BOTTOM:
            return picture[-lines:], picture[:-lines]


def _widest_band(picture: Picture, light: Picture) -> tuple[Side, int] | None:
    # Its side and number of lines.
    rows, columns = _profile(light, 1), _profile(light, 0)
    if _is_one_sided(rows) and _is_one_sided(columns):
        return None
    widest, found = 0.0, None
    grey_rows, grey_columns = _profile(picture, 1), _profile(picture, 0)
    for side, shares, greys in (
        (Side.LEFT, columns, grey_columns),
        (Side.TOP, rows, grey_rows),
        (Side.RIGHT, columns[::-1], grey_columns[::-1]),
        (Side.BOTTOM, rows[::-1], grey_rows[::-1]),
    ):
        lines = _band(shares, greys)
        if (
            lines > widest * len(shares)
            and _is_flanked(light, side, lines)
            and _is_even(picture, side, lines)
        ):
            widest, found = lines / len(shares), (side, lines)
    return found


def _profile(picture: Picture, axis: int) -> NDArray[np.float32]:
    return cv2.reduce(picture, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()  # type: ignore[return-value]


def _is_one_sided(shares: NDArray[np.float32]) -> bool:
    low, high, _, _ = cv2.minMaxLoc(shares)
    return low > 0.5 or high < 0.5


def _band(light: NDArray[np.float32], grey: NDArray[np.float32]) -> int:
    # `light`: the share of light pixels in each line, from a side inwards; `grey`: their mean.
    same = light if light[0] > 0.5 else 1.0 - light
    if same[0] < _BAND_PURITY:
        return 0
    count = len(same)
    lines = int((same < 0.5).argmax())
    if not 0 < lines <= _WIDEST_BAND * count:
        return 0
    if lines - int((same < _BAND_PURITY).argmax()) > max(2.0, _BAND_STEP * count):
        return 0
    if same[lines : max(lines + 2, (lines + count) // 2)].mean() > _BEYOND_BAND:
        return 0
    if lines + 2 < count:
        step = abs(grey[lines + 1] - grey[0])
        lines += int(abs(grey[lines] - grey[lines + 1]) > _SOFT_EDGE * step)
    return lines


def _is_even(picture: Picture, side: Side, lines: int) -> bool:
    # A shadow with ink in it is not.
    band, rest = _split(picture, side, lines)
    mean, deviation = mean_and_deviation(_split(band, side, max(1, lines - 2))[0])
    return deviation <= _BAND_NOISE * abs(mean - float(cv2.mean(rest)[0]))


def _is_flanked(light: Picture, side: Side, lines: int) -> bool:
    along = light if side in (Side.LEFT, Side.RIGHT) else light.T
    if side in (Side.RIGHT, Side.BOTTOM):
        along = along[:, ::-1]
    beyond = along[:, lines:] == along[len(along) // 2, 0]
    low, high = sorted(1.0 - float(line.mean()) for line in (beyond[0], beyond[-1]))
    if low < _BOTH_FLANKS and not (
        high >= _FLANK and (low >= _LEAST_FLANK or low <= 1.0 - _BAND_PURITY)
    ):
        return False
    # The bar of a tightly cropped 7 has ink from there to the opposite side.
    first, last = beyond[:, min(1, beyond.shape[1] - 1)], beyond[:, -1]
    between = beyond.mean(axis=1) < _BAND_PURITY
    least = max(2.0, _STROKE_AT_BAND * len(beyond))
    return bool(
        last.mean() >= _BAND_PURITY or min((first & between).sum(), (last & between).sum()) < least
    )
