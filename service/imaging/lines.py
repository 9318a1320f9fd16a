"""Printed lines: cell borders and ruled paper, removed from under the ink."""

import cv2
import numpy as np

from service.imaging.greyscale import Picture, as_picture

# A printed line runs across at least this share of the picture, in runs of at least that share,
# and is thinner than a stroke. In pictures of fewer pixels it cannot be told from one.
_LENGTH = 0.85
_RUN = 0.5
_WIDTH = 0.07
_LEAST_SIDE = 20

# At least this share of a line stands clear of the digit.
_BARE = 0.3

# A picture is searched for lines only if one of its rows has this share of ink.
_INKED_ROW = 0.3

# Where a line has less than this share of the tone of ink, darker pixels on it are ink.
_PALE = 0.75

_INK = 255


def without_lines(mask: Picture, faint: Picture, values: Picture, tone: float) -> Picture:
    """Remove printed lines that cross the whole picture from `mask` (5 us if there are none).

    Strokes across a line stay whole.

    Args:
        mask: uint8 [height, width], 255 for ink.
        faint: the same with a lower threshold, at which a slanted line is not broken.
        values: uint8 [height, width], the contrast.
        tone: the contrast of full ink.
    """
    if min(mask.shape) < _LEAST_SIDE:
        return mask
    if _may_have_line(faint):
        mask = _without_lines_across(mask, faint, values, tone)
    if not _may_have_line(faint.T):
        return mask
    mask, faint, values = (np.ascontiguousarray(each.T) for each in (mask, faint, values))
    return np.ascontiguousarray(_without_lines_across(mask, faint, values, tone).T)


def _may_have_line(ink: Picture) -> bool:
    margin = 2 + int((1.0 - _LENGTH) / 2 * ink.shape[1])
    if not (ink[:, :margin].any() and ink[:, -margin:].any()):
        return False
    rows = cv2.reduce(np.ascontiguousarray(ink), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    return cv2.minMaxLoc(rows)[1] >= _INKED_ROW * _INK


def _without_lines_across(mask: Picture, faint: Picture, values: Picture, tone: float) -> Picture:
    height, width = mask.shape
    thickest = max(2, int(_WIDTH * height))
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
        if length < _LENGTH * width:
            continue
        # Where a digit stands on a line, its thickness says nothing.
        inked = np.count_nonzero(thin[y : y + extent, x : x + length], axis=0)
        if np.quantile(inked, _BARE) <= thickest:
            is_line[label] = _INK
    if not is_line.any():
        return mask
    thick = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((thickest + 2, 1), np.uint8))
    line = cv2.bitwise_and(is_line[labels], cv2.subtract(faint, thick))
    if not line.any():
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
