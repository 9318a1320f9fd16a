"""A picture to the strip that a reader expects: without wide margins, height and tone set."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from models.strips import MARGIN, PAPER, Strip, standardise
from service.imaging.greyscale import Ink, Picture, as_picture
from service.imaging.paper import contrast, find_paper, otsu, reduced

# Ink is searched in a picture of at most this side, in pixels.
_SEARCHED_SIDE = 384

# Ink differs from the paper by at least this many grey levels, in this many pixels.
_FAINTEST_INK = 20
_FEWEST_PIXELS = 12

# A stroke is followed from its darkest tone down to this share of it.
_EDGE = 0.5

# A piece with less than this share of the largest piece's height and width is a speck.
_SPECK = 0.15

# Margins are cut if the writing takes less than this share of the height: most strips are cut out
# already, as those that the reader was trained on. This share of the writing's height is left on
# each side: of amounts of ORAND-CAR-A laid on a page, a reader read 77% with 0.15, 82% with 0.25
# and 72% with 0.35, and 86% of the uncut originals.
_LOW_WRITING = 0.45
_MARGIN = 0.25

# The rim cuts a digit off if strokes run through it, in rows that are this share of the height of
# the writing, fewer if no digit was read there: with a gap of more than the last share. A stroke
# has this share of its tone on the rim and a few columns on, where a border is paper again; a row
# with this share of ink is a ruled line. Chosen on 756 cells and 397 amounts read right and
# accepted without this, of which 0.7% and 1.3% are reviewed; of others, 6 of 918 and 11 of 332.
# About half of these amounts are cut off indeed, if only in a sign. Of 1,859 other strips cut
# through 30 to 60% of a digit, 10% were read wrong and accepted, 4% with this.
_CUT_ROWS, _CUT_ROWS_UNREAD, _UNREAD = 0.17, 0.1, 0.1
_STROKE = 0.35
_FURTHER_ON = slice(2, 4)
_RULED = 0.6


class SeenStrip(NamedTuple):
    """The input of a reader."""

    strip: Strip  # the part of the picture that was cut out, standardised
    left: int  # columns of the picture before that part
    top: int  # rows of the picture above it
    shape: tuple[int, int]  # height and width of that part
    blank: bool = False  # nothing is written on it
    ink: Ink | None = None  # its measures on the picture; None if `blank`


def cut_strip(picture: Picture) -> SeenStrip:
    """Cut the writing out of `picture`, uint8 [height, width], if it has wide margins.

    cut_strip(decode(data, max_pixels=16_000_000, whole=True)).strip.pixels
    """
    writing = _writing(picture)
    if writing is None:
        return SeenStrip(standardise(picture[:1, :1]), 0, 0, (1, 1), blank=True)
    (left, top, right, bottom), tone = writing
    ink = Ink(bottom - top, tone)
    if bottom - top >= _LOW_WRITING * picture.shape[0]:
        return SeenStrip(standardise(picture), 0, 0, picture.shape, ink=ink)
    margin = round(_MARGIN * (bottom - top))
    left, top = max(0, left - margin), max(0, top - margin)
    part = picture[top : bottom + margin, left : right + margin]
    return SeenStrip(standardise(part), left, top, part.shape, ink=ink)


def is_cut_off(seen: SeenStrip, boxes: Sequence[tuple[int, int, int, int]]) -> bool:
    """Return whether the left or right rim cuts a digit off, one that was read or one beside them.

    There is at least one of `boxes`: x, y, width and height in the picture of each digit read.
    """
    pixels, scale, top = seen.strip.pixels, seen.strip.scale, seen.strip.top
    pixels = pixels[:, MARGIN : MARGIN + round(seen.shape[1] * scale)]
    places = ((np.array(boxes) - (seen.left, seen.top, 0, 0)) * scale).astype(int)
    left, first, right, end = places.T
    # A box may begin at the last column of the picture, which scaling can round away.
    left = np.minimum(left, pixels.shape[1] - 1)
    first, right, end = first + top, right + left + 1, end + first + top + 1
    darkest = [pixels[y:b, x:r].min() for x, y, r, b in zip(left, first, right, end, strict=True)]
    ink = pixels[first.min() : end.max()] <= PAPER - _STROKE * (PAPER - np.median(darkest))
    ink[ink.mean(axis=1) > _RULED] = False
    height, width = ink.shape
    for side, gap in ((ink, left.min()), (ink[:, ::-1], width - right.max())):
        rows = np.count_nonzero(side[:, 0] & side[:, _FURTHER_ON].any(axis=1))
        if rows > height * (_CUT_ROWS_UNREAD if gap > _UNREAD * height else _CUT_ROWS):
            return True
    return False


def _writing(picture: Picture) -> tuple[tuple[int, int, int, int], int] | None:
    # Left, top, right and bottom, and the contrast; None if nothing is written.
    small, pixel = reduced(picture, _SEARCHED_SIDE)
    small = as_picture(cv2.blur(small, (3, 3)))
    values = contrast(small, find_paper(small, otsu(small)))
    tone = _tone(values)
    if tone < _FAINTEST_INK:
        return None
    mask = as_picture(cv2.threshold(values, _EDGE * tone, 255, cv2.THRESH_BINARY)[1])
    pieces = cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, cv2.CV_16U, cv2.CCL_SPAGHETTI)
    left, top, right, bottom = (side * pixel for side in _box(pieces[2][1:]))
    return (left, top, right, bottom), tone


def _tone(values: Picture) -> int:
    # The level that only the few darkest pixels of the ink exceed.
    counts = cv2.calcHist([values], [0], None, [256], [0, 256]).ravel()
    beyond = np.cumsum(counts[::-1])[::-1]
    return int(np.flatnonzero(beyond >= min(_FEWEST_PIXELS, values.size))[-1])


def _box(pieces: NDArray[Any]) -> tuple[int, int, int, int]:
    longer = pieces[:, 2:4].max(axis=1)
    large = pieces[longer >= _SPECK * longer.max()]
    x, y, width, height = large[:, :4].T
    return int(x.min()), int(y.min()), int((x + width).max()), int((y + height).max())
