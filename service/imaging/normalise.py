"""A grey picture to MNIST's form: bands off, paper, ink, its pieces, then the crop in 28 x 28.

Rules look at the picture reduced to 64 pixels; only the crop comes from the picture itself.
"""

from typing import NamedTuple, Self

import cv2
import numpy as np

from service.errors import UnreadableImage
from service.imaging.greyscale import Picture, as_picture
from service.imaging.lines import without_lines
from service.imaging.mnist import SIDE, Mnist28, centred, is_normalised, scaled_to_box
from service.imaging.paper import (
    Paper,
    Part,
    averaged,
    contrast,
    find_paper,
    noise_of,
    reduced,
    without_bands,
)
from service.imaging.pieces import Digit, Side, find_digit, without_frames

# Ink has at least this contrast, where black on white has 255, and exceeds the noise of the paper:
# the floor, and faint ink twice that.
_FAINTEST_INK = 10.0
_LEAST_FLOOR = 6.0
_FLOOR = 1.5
_CLEAR, _CLEAR_IF_FAINT = 1.25, 2.0
_FAINT = 45

# Ink of less contrast than this many times the floor is noise if it has no piece of this share.
_WEAK = 3.0
_LEAST_OF_WEAK = 0.25

# The tone of ink is the contrast that all but a tenth of its pixels stay below. Shares of the tone:
# the edge of a stroke, on plain and on printed paper; of lines and of soft edges; strong ink.
_FULL_TONE = 0.9
_EDGE, _EDGE_ON_PRINT = 0.3, 0.4
_FAINT_EDGE, _SOFT_EDGE = 0.12, 0.25
_STRONG = 0.5
_PRINT_NOISE = 0.2
_INK_OF_CROP = 0.4
_FEWEST_PIXELS = 3

# In a smaller picture, a few pixels may be a digit.
_SMALL_PICTURE = 40

# Writing that takes less than this share of the picture is looked at again from nearer.
_SMALL_WRITING = 0.45
_ZOOM_MARGIN = 0.35
_MOST_ZOOMS = 2

# The crop is reduced by a whole factor, as long as its longer side keeps this many pixels.
_CROP_SIDE = 80

# A digit is cut off if its ink has nearly full tone on the outermost line of the picture, over half
# of a reduced pixel at least. The end of a stroke fades there.
_CUT_TONE = 0.97

# 28 x 28 pixels on black, with ink from side to side: a digit that lines cross. It is best left as
# it is.
_BLACK, _GREY, _WHITE = 3, 40, 200
_BLACK_SHARE = 0.5
_WIDE, _LOW = 26, 24

_NEIGHBOURHOOD = np.ones((3, 3), np.uint8)


class Normalised(NamedTuple):
    """The input of a model, and what is wrong with the picture.

    Attributes:
        image: uint8 [28, 28], white ink (255) on black (0); may be read-only.
        blank: nothing is written on the picture; `image` then has one tone.
        several: it shows several digits, perhaps one of them cut off by the rim.
        cut_off: the rim cuts the digit off.
    """

    image: Mnist28
    blank: bool = False
    several: bool = False
    cut_off: bool = False

    @classmethod
    def of_blank(cls) -> Self:
        """Return the input for a picture on which nothing is written."""
        return cls(np.zeros((SIDE, SIDE), np.uint8), blank=True)


def normalise(picture: Picture) -> Normalised:
    """Find the ink on `picture` and bring it to the form of MNIST (0.15 ms for 100 x 100).

        normalise(decode(data, max_pixels=16_000_000)).image

    Ink may be darker or lighter than the paper, and the light uneven. Dark bands, printed lines,
    frames and specks are removed. An image in MNIST's form is returned as it is, its inverse as the
    exact inverse.

    Args:
        picture: uint8 [height, width], at least one pixel.

    Returns:
        White ink on black, its longer side 20 pixels, its centre of mass in the middle.
    """
    if picture.shape == (SIDE, SIDE):
        for image in (picture, ~picture):
            if is_normalised(image) or _is_crossed(image):
                return Normalised(image)
    is_small = min(picture.shape) < _SMALL_PICTURE
    return _normalised(picture, _MOST_ZOOMS, is_small=is_small)


def unchanged(picture: Picture) -> Normalised:
    """Wrap a picture that is normalised already.

    Args:
        picture: uint8 [28, 28], white ink on black.

    Raises:
        UnreadableImage: the picture has another size.
    """
    if picture.shape != (SIDE, SIDE):
        height, width = picture.shape
        raise UnreadableImage(
            f"preprocess=none takes an image of {SIDE} x {SIDE} pixels, this one has"
            f" {width} x {height}; send it with preprocess=auto"
        )
    return Normalised(picture, blank=bool(picture.min() == picture.max()))


def _is_crossed(image: Picture) -> bool:
    if np.count_nonzero(image <= _BLACK) < _BLACK_SHARE * image.size or image.max() < _WHITE:
        return False
    ink = cv2.threshold(image, _GREY, 1, cv2.THRESH_BINARY)[1]
    _, _, width, height = cv2.boundingRect(ink)
    return width >= _WIDE and height <= _LOW


def _normalised(
    picture: Picture, zooms: int, *, is_small: bool, around: Paper | None = None
) -> Normalised:
    small, pixel = reduced(picture)
    part = without_bands(small)
    paper = find_paper(part.picture, around)
    values = contrast(part.picture, paper)
    floor = max(_LEAST_FLOOR, _FLOOR * noise_of(paper))
    tone = _tone(values, floor)
    clear = _CLEAR if tone >= _FAINT else _CLEAR_IF_FAINT
    if tone < max(_FAINTEST_INK, clear * floor):
        return Normalised.of_blank()
    floor = min(floor, 0.5 * tone)
    digit = _digit(values, floor, tone, paper.closing, fewest=_FEWEST_PIXELS if pixel == 1 else 1)
    if digit is None:
        return Normalised.of_blank()
    nearer = _surroundings(picture, part, digit, pixel) if zooms and pixel > 1 else None
    if nearer is not None:
        found = _normalised(nearer, zooms - 1, is_small=is_small, around=paper)
        return found._replace(several=not found.blank and (found.several or digit.several))
    if not is_small and digit.is_speck(pixel):
        return Normalised.of_blank()
    ink = _trimmed(_crop(picture, part, values, paper, digit, pixel), floor, tone)
    if ink is None:
        return Normalised.of_blank()
    if pixel > 1:
        tone = _tone(ink, _INK_OF_CROP * tone) or tone
    image = centred(scaled_to_box(as_picture(cv2.convertScaleAbs(ink, alpha=255.0 / tone))))
    cut_off = any(
        _runs_through(side, picture, part, paper, digit, pixel, tone) for side in digit.touches
    )
    return Normalised(image, several=digit.several, cut_off=cut_off)


def _digit(values: Picture, floor: float, tone: float, closing: int, fewest: int) -> Digit | None:
    edge = _EDGE * tone
    if floor > _PRINT_NOISE * tone:
        edge = max(edge, min(0.8 * floor, _EDGE_ON_PRINT * tone))
    faint = _above(values, max(0.6 * floor, _FAINT_EDGE * tone))
    whole, strong = _above(values, edge), _above(values, _STRONG * tone)
    mask = without_lines(whole, faint, values, tone)
    if mask is not whole:
        # The sides of a frame are lines too, but not all of them may be found.
        mask = as_picture(cv2.bitwise_and(mask, without_frames(whole, strong)))
    digit = find_digit(mask, strong, closing=closing, fewest=fewest)
    if digit is None or tone >= _WEAK * floor:
        return digit
    return digit if digit.main.area >= _LEAST_OF_WEAK * cv2.countNonZero(mask) else None


def _above(values: Picture, level: float) -> Picture:
    return as_picture(cv2.threshold(values, level, 255, cv2.THRESH_BINARY)[1])


def _tone(values: Picture, floor: float) -> float:
    ink = values[values > floor]
    if len(ink) < _FEWEST_PIXELS:
        return 0.0
    place = int(_FULL_TONE * (len(ink) - 1))
    return float(np.partition(ink, place)[place])


def _surroundings(picture: Picture, part: Part, digit: Digit, pixel: int) -> Picture | None:
    """Cut small writing out of `picture` with a margin; None if it is not small."""
    left, top, right, bottom = digit.box
    height, width = digit.mask.shape
    side = max(right - left, bottom - top)
    if side >= _SMALL_WRITING * max(height, width):
        return None
    margin = max(2, int(_ZOOM_MARGIN * side))
    rows = max(0, top - margin) + part.top, min(height, bottom + margin) + part.top
    columns = max(0, left - margin) + part.left, min(width, right + margin) + part.left
    return picture[rows[0] * pixel : rows[1] * pixel, columns[0] * pixel : columns[1] * pixel]


def _crop(
    picture: Picture, part: Part, values: Picture, paper: Paper, digit: Digit, pixel: int
) -> Picture:
    """Return the contrast of the digit's ink, from the picture itself if that has more pixels."""
    height, width = digit.mask.shape
    left, top = max(0, digit.box[0] - 1), max(0, digit.box[1] - 1)
    right, bottom = min(width, digit.box[2] + 1), min(height, digit.box[3] + 1)
    mask = cv2.dilate(digit.mask[top:bottom, left:right], _NEIGHBOURHOOD)
    ink = values[top:bottom, left:right]
    if pixel > 1:
        crop = picture[
            (top + part.top) * pixel : (bottom + part.top) * pixel,
            (left + part.left) * pixel : (right + part.left) * pixel,
        ]
        longer = max(right - left, bottom - top) * pixel
        crop = averaged(crop, max(1, min(pixel, longer // _CROP_SIDE)))
        size = crop.shape[::-1]
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        if not isinstance(paper.level, float):
            light = paper.level[top:bottom, left:right]
            level = cv2.resize(light, size, interpolation=cv2.INTER_LINEAR)
            paper = paper._replace(level=as_picture(level))
        ink = contrast(crop, paper)
    return as_picture(cv2.bitwise_and(ink, ink, mask=mask))


def _trimmed(ink: Picture, floor: float, tone: float) -> Picture | None:
    """Cut `ink` to its box, with soft edges and without noise; None if nothing is left."""
    soft = _above(ink, max(0.7 * floor, _SOFT_EDGE * tone))
    x, y, width, height = cv2.boundingRect(soft)
    if not width:
        return None
    box = np.s_[y : y + height, x : x + width]
    return as_picture(cv2.bitwise_and(ink[box], cv2.dilate(soft[box], _NEIGHBOURHOOD)))


def _runs_through(
    side: Side, picture: Picture, part: Part, paper: Paper, digit: Digit, pixel: int, tone: float
) -> bool:
    """Whether ink of full tone reaches the outermost line of the picture at `side`."""
    left, top, right, bottom = digit.box
    height, width = digit.mask.shape
    level = paper.level
    if side in (Side.LEFT, Side.RIGHT):
        # Columns become rows.
        picture, level = picture.T, level if isinstance(level, float) else level.T
        part = Part(part.picture, part.top, part.left)
        left, right, height = top, bottom, width
    first = part.top * pixel
    last = min((part.top + height) * pixel, len(picture)) - 1
    at_start = side in (Side.LEFT, Side.TOP)
    columns = np.s_[(left + part.left) * pixel : (right + part.left) * pixel]
    line = np.ascontiguousarray(picture[first if at_start else last, columns])
    if not isinstance(level, float):
        level = float(level[0 if at_start else -1, left:right].mean())
    ink = contrast(line, paper._replace(level=level))
    return bool(np.count_nonzero(ink >= _CUT_TONE * tone) >= max(1.0, 0.5 * pixel))
