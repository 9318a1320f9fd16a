"""What is not written: bands along the sides of a picture, printed lines, and frames."""

from enum import IntEnum
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from service.imaging.greyscale import Picture, as_picture
from service.imaging.paper import mean_and_deviation, otsu

# Bands of one tone along a side: at most so wide as a share of the picture, their lines so pure,
# their edge so soft, their levels deviating by less than this share of the step to the rest.
_WIDEST_BAND = 0.5
_BAND_PURITY = 0.97
_BAND_STEP = 0.06
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

# A printed line runs across at least this share of the picture, in runs of at least that share,
# and is thinner than a stroke. In pictures of fewer pixels it cannot be told from one.
_LINE_LENGTH = 0.85
_RUN = 0.5
_LINE_WIDTH = 0.07
_LEAST_LINED_SIDE = 20
# At least this share of a line stands clear of the digit.
_BARE = 0.3
# A picture is searched for lines and frames only if a row or column has this share of ink.
_INKED_LINE = 0.3
# Where a line has less than this share of the tone of ink, darker pixels on it are ink.
_PALE = 0.75

# A frame spans this share of the picture, and has ink along these shares of its sides: of the least
# inked and of the others. It is no wider than a line.
_FRAME_SPAN = 0.4
_FRAME_FILLED = 0.5
_FRAME_LEAST_SIDE, _FRAME_OTHER_SIDES = 0.75, 0.85
_FRAME_SIDE = 0.1


class Side(IntEnum):
    """A side of a picture."""

    LEFT = 0
    TOP = 1
    RIGHT = 2
    BOTTOM = 3


class Part(NamedTuple):
    """A picture without its bands."""

    picture: Picture  # the rest of it
    tones: tuple[float, Picture]  # Otsu's threshold of it, and 1 where a pixel is above
    left: int = 0  # columns that were cut off before it
    top: int = 0  # rows that were cut off above it
    cut: tuple[Side, ...] = ()  # the sides that had bands


def without_bands(picture: Picture) -> Part:
    """Cut off the dark or light bands along the sides of a reduced `picture` (15 us)."""
    part = Part(picture, otsu(picture))
    is_large = min(picture.shape) >= _LEAST_BANDED_SIDE
    while is_large and len(part.cut) < len(Side):
        _, light = part.tones
        shares = _profile(light, 0), _profile(light, 1)
        # Paper with ink on it has no line that is mostly ink.
        sides = [side for side in Side if _is_mixed(shares[side % 2])]
        bands = [(_band(part.picture, light, shares[side % 2], side), side) for side in sides]
        share, side = max(bands, default=(0.0, Side.LEFT))
        if not share:
            break
        turned = np.rot90(part.picture, side)
        lines = round(share * turned.shape[1])
        rest = np.ascontiguousarray(np.rot90(turned[:, lines:], -side))
        left, top = lines * (side is Side.LEFT), lines * (side is Side.TOP)
        part = Part(rest, otsu(rest), part.left + left, part.top + top, (*part.cut, side))
    return part


def _profile(picture: Picture, axis: int) -> NDArray[np.float32]:
    return cv2.reduce(picture, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()  # type: ignore[return-value]


def _is_mixed(shares: NDArray[np.float32]) -> bool:
    low, high, _, _ = cv2.minMaxLoc(shares)
    return low <= 0.5 <= high


def _band(picture: Picture, light: Picture, shares: NDArray[np.float32], side: Side) -> float:
    # The share of the picture that a band at `side` takes. `shares`: of light pixels in its lines.
    same = shares if side < Side.RIGHT else shares[::-1]
    tone = int(same[0] > 0.5)
    same = same if tone else 1.0 - same
    if same[0] < _BAND_PURITY:
        return 0.0
    count, lines = len(same), int((same < 0.5).argmax())
    edge = lines - int((same < _BAND_PURITY).argmax())
    if not 0 < lines <= _WIDEST_BAND * count or edge > max(2.0, _BAND_STEP * count):
        return 0.0
    picture, light = np.rot90(picture, side), np.rot90(light, side)
    greys = _profile(picture, 0)
    if lines + 2 < count:
        step = abs(greys[lines + 1] - greys[0])
        lines += int(abs(greys[lines] - greys[lines + 1]) > _SOFT_EDGE * step)
    beyond = light[:, lines:] == tone
    low, high = sorted(1.0 - float(beyond[row].mean()) for row in (0, -1))
    has_paper_beyond = low >= _LEAST_FLANK or low <= 1.0 - _BAND_PURITY
    if low < _BOTH_FLANKS and not (high >= _FLANK and has_paper_beyond):
        return 0.0
    # The bar of a tightly cropped 7 has ink from there to the opposite side.
    strokes = beyond[beyond.mean(axis=1) < _BAND_PURITY]
    least = max(2.0, _STROKE_AT_BAND * len(beyond))
    if beyond[:, -1].mean() < _BAND_PURITY and min(strokes[:, [1, -1]].sum(axis=0)) >= least:
        return 0.0
    # A shadow with ink in it is not even.
    mean, deviation = mean_and_deviation(picture[:, : max(1, lines - 2)])
    is_even = deviation <= _BAND_NOISE * abs(mean - float(greys[lines:].mean()))
    return lines / count if is_even else 0.0


def without_print(mask: Picture, faint: Picture, values: Picture, tone: float) -> Picture:
    """Remove printed lines and frames from `mask` (10 us if there are none).

    Strokes across a line stay whole.

    Args:
        mask: uint8 [height, width], 255 for ink.
        faint: the same with a lower threshold, at which a slanted line is not broken.
        values: uint8 [height, width], the contrast.
        tone: the contrast of full ink.
    """
    _, _, across, down = cv2.boundingRect(faint)
    height, width = mask.shape
    rest = mask
    if down >= _FRAME_SPAN * height and across >= _FRAME_SPAN * width and _may_be_framed(faint):
        rest = _without_frames(mask)
    if min(mask.shape) < _LEAST_LINED_SIDE:
        return rest
    if across >= _LINE_LENGTH * width:
        rest = as_picture(cv2.bitwise_and(rest, _without_lines(mask, faint, values, tone)))
    if down >= _LINE_LENGTH * height:
        mask, faint, values = (np.ascontiguousarray(each.T) for each in (mask, faint, values))
        unlined = np.ascontiguousarray(_without_lines(mask, faint, values, tone).T)
        rest = as_picture(cv2.bitwise_and(rest, unlined))
    return rest


def _may_be_framed(ink: Picture) -> bool:
    for axis in (0, 1):
        profile = _profile(ink, axis)
        sides = np.flatnonzero(profile >= _INKED_LINE * 255)
        if len(sides) < 2 or sides[-1] - sides[0] + 2 < _FRAME_SPAN * len(profile):
            return False
    return True


def _without_lines(mask: Picture, faint: Picture, values: Picture, tone: float) -> Picture:
    # Lines from left to right.
    height, width = mask.shape
    if _profile(faint, 1).max() < _INKED_LINE * 255:
        return mask
    thickest = max(2, int(_LINE_WIDTH * height))
    run = np.ones((1, max(8, int(_RUN * width))), np.uint8)
    # Made three pixels high, a line that slants by a pixel or two is one run.
    high = cv2.dilate(faint, np.ones((3, 1), np.uint8))
    runs = cv2.morphologyEx(high, cv2.MORPH_OPEN, run)
    if not cv2.countNonZero(runs):
        return mask
    thin = cv2.bitwise_and(runs, faint)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    is_line = np.zeros(count, np.uint8)
    for label, (x, y, length, extent, _) in enumerate(boxes.tolist()[1:], 1):
        # Where a digit stands on a line, its thickness says nothing.
        inked = np.count_nonzero(thin[y : y + extent, x : x + length], axis=0)
        if length >= _LINE_LENGTH * width and np.quantile(inked, _BARE) <= thickest:
            is_line[label] = 255
    thick = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((thickest + 2, 1), np.uint8))
    line = cv2.bitwise_and(is_line[labels], cv2.subtract(faint, thick))
    if not cv2.countNonZero(line):
        return mask
    # The darkest pixel of each column is the middle of the line, wherever it slants.
    middles = cv2.reduce(cv2.bitwise_and(values, line), 0, cv2.REDUCE_MAX).ravel()
    printed = float(np.median(middles[middles > 0]))
    if printed < _PALE * tone:
        line[values > (printed + tone) / 2] = 0
    rest = cv2.bitwise_and(mask, cv2.bitwise_not(line))
    reach = np.ones((thickest + 2, 1), np.uint8)
    above = cv2.dilate(rest, reach, anchor=(0, thickest + 1))
    below = cv2.dilate(rest, reach, anchor=(0, 0))
    joined = cv2.bitwise_and(cv2.bitwise_and(above, below), line)
    return as_picture(cv2.bitwise_or(rest, joined))


def _without_frames(mask: Picture) -> Picture:
    rest, (height, width) = mask, mask.shape
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for label, (x, y, across, down, area) in enumerate(boxes.tolist()[1:], 1):
        if across < _FRAME_SPAN * width or down < _FRAME_SPAN * height:
            continue
        box = np.s_[y : y + down, x : x + across]
        ink = labels[box] == label
        # The corners are cheap to see, and empty in most digits.
        is_filled = area > _FRAME_FILLED * ink.size
        if is_filled or not (ink[:3, :3].any() and ink[-3:, -3:].any()):
            continue
        high, wide = (max(2, int(_FRAME_SIDE * side)) for side in ink.shape)
        least, other, *_ = sorted(
            (
                float(ink[:high].any(axis=0).mean()),
                float(ink[-high:].any(axis=0).mean()),
                float(ink[:, :wide].any(axis=1).mean()),
                float(ink[:, -wide:].any(axis=1).mean()),
            )
        )
        if least > _FRAME_LEAST_SIDE and other > _FRAME_OTHER_SIDES:
            # Only along its sides, as a digit may touch it.
            high, wide = (max(2, round(_LINE_WIDTH * side)) for side in ink.shape)
            ink[high:-high, wide:-wide] = False
            rest = rest.copy()
            rest[box][ink] = 0
    return rest
