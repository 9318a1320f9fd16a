"""A grey picture to MNIST's form: bands off, paper, ink, its pieces, then the crop in 28 x 28.

Rules look at the picture reduced to 64 pixels; only the crop comes from the picture itself.
"""

from enum import StrEnum
from typing import NamedTuple, Self

import cv2
import numpy as np

from service.errors import UnreadableImage
from service.imaging.bands import Part, Side, without_bands
from service.imaging.greyscale import Picture, as_picture
from service.imaging.lines import without_lines
from service.imaging.mnist import SIDE, Mnist28, centred, is_normalised, scaled_to_box
from service.imaging.paper import (
    Paper,
    PaperKind,
    averaged,
    contrast,
    find_paper,
    noise_of,
    reduced,
)
from service.imaging.pieces import Digit, find_digit, without_frames

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
# Several pieces that cover more of the picture than this are the squares of a grid.
_MOST_INK = 0.75

# The tone of ink is the contrast that all but a tenth of its pixels stay below. Shares of the tone:
# the edge of a stroke, on plain and on printed paper; of lines and of soft edges; strong ink.
_FULL_TONE = 0.9
_EDGE, _EDGE_ON_PRINT = 0.3, 0.4
_FAINT_EDGE, _SOFT_EDGE = 0.12, 0.25
_STRONG = 0.5
_PRINT_NOISE = 0.2
_INK_OF_CROP = 0.4
_FEWEST_PIXELS = 3

# In a smaller picture a few pixels may be a digit, and a line cannot be told from a stroke.
_SMALL_PICTURE = 32

# Writing that takes less than this share of the picture is looked at again from nearer.
_SMALL_WRITING = 0.45
_ZOOM_MARGIN = 0.35
_MOST_ZOOMS = 2

# The crop is reduced by a whole factor, as long as its longer side keeps this many pixels.
_CROP_SIDE = 80

# A digit is cut off if its ink has nearly full tone on the outermost line of the picture, over half
# of a reduced pixel at least. The end of a stroke fades there.
_CUT_TONE, _CUT_TONE_IF_SMALL = 0.93, 0.97

# 28 x 28 pixels on black, with ink from side to side: a digit that lines cross. It is best left as
# it is.
_BLACK, _GREY, _WHITE = 3, 40, 200
_BLACK_SHARE = 0.5
_WIDE, _LOW = 26, 24
_GROUND_ROWS = [0, 1, SIDE - 2, SIDE - 1]

_NEIGHBOURHOOD = np.ones((3, 3), np.uint8)


# Left, top, width and height in pixels.
Box = tuple[int, int, int, int]


class Polarity(StrEnum):
    """Whether ink is darker or lighter than its paper."""

    DARK = "dark"
    LIGHT = "light"


class Normalised(NamedTuple):
    """The input of a model, and what was found on the picture.

    Attributes:
        image: uint8 [28, 28], white ink (255) on black (0); may be read-only.
        blank: nothing is written on the picture; `image` then has one tone.
        several: it shows several digits, perhaps one of them cut off by the rim.
        cut_off: the rim cuts the digit off.
        box: where the ink is on the picture; None if nothing was looked for or found.
        polarity: of the ink, and
        paper: what it is written on; None if `box` is.
        size: width and height of the picture.
    """

    image: Mnist28
    blank: bool = False
    several: bool = False
    cut_off: bool = False
    box: Box | None = None
    polarity: Polarity | None = None
    paper: PaperKind | None = None
    size: tuple[int, int] = (SIDE, SIDE)

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
        picture = _without_stripes(picture)
        for image, polarity in ((picture, Polarity.LIGHT), (~picture, Polarity.DARK)):
            if is_normalised(image) or _is_crossed(image):
                x, y, width, height = cv2.boundingRect(image)
                box = x, y, width, height
                return Normalised(image, box=box, polarity=polarity, paper=PaperKind.PLAIN)
    height, width = picture.shape
    found = _normalised(picture, None, _MOST_ZOOMS, min(height, width) < _SMALL_PICTURE)
    return found._replace(size=(width, height))


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


def _without_stripes(image: Picture) -> Picture:
    # Columns at both sides that are inverted, digit and all, have a light ground beside a dark one.
    ground = image[_GROUND_ROWS]
    light = ground.min(axis=0) >= _WHITE
    if not (light[0] and light[-1]):
        return image
    is_pure = light | (ground.max(axis=0) <= _BLACK)
    if np.count_nonzero(light[1:] != light[:-1]) != 2 or not is_pure.all():
        return image
    return np.where(light, ~image, image)


def _is_crossed(image: Picture) -> bool:
    if np.count_nonzero(image <= _BLACK) < _BLACK_SHARE * image.size or image.max() < _WHITE:
        return False
    ink = cv2.threshold(image, _GREY, 1, cv2.THRESH_BINARY)[1]
    _, _, width, height = cv2.boundingRect(ink)
    return width >= _WIDE and height <= _LOW


class _View(NamedTuple):
    """A picture, reduced, and the contrast of its ink.

    Attributes:
        picture: the picture itself.
        pixel: the side in its pixels of a pixel of `part`.
        part: the reduced picture without bands.
        paper: its paper.
        values: the contrast; uint8 [height, width] like `part`.
        floor: the contrast of noise.
        tone: the contrast of full ink.
        is_small: it was drawn in few pixels.
    """

    picture: Picture
    pixel: int
    part: Part
    paper: Paper
    values: Picture
    floor: float
    tone: float
    is_small: bool


def _normalised(picture: Picture, around: Paper | None, zooms: int, is_small: bool) -> Normalised:
    view = _view(picture, is_small, around)
    digit = _digit(view) if view else None
    if view is None or digit is None:
        return Normalised.of_blank()
    box = _surroundings(digit) if zooms and view.pixel > 1 else None
    if box is not None:
        found = _normalised(*_nearer(view, box), zooms - 1, is_small)
        if found.box is None:
            return found
        (x, y, width, height), (left, top, _, _) = found.box, _place(view, box)
        several = found.several or digit.several
        return found._replace(several=several, box=(left + x, top + y, width, height))
    if not is_small and digit.is_speck(view.pixel):
        return Normalised.of_blank()
    ink = _trimmed(_crop(view, digit), view.floor, view.tone)
    if ink is None:
        return Normalised.of_blank()
    tone = view.tone
    if view.pixel > 1:
        tone = _tone(ink, _INK_OF_CROP * tone) or tone
    image = centred(scaled_to_box(as_picture(cv2.convertScaleAbs(ink, alpha=255.0 / tone))))
    cut_off = any(_runs_through(side, view, digit, tone) for side in digit.touches)
    return Normalised(
        image,
        several=digit.several,
        cut_off=cut_off,
        box=_place(view, digit.box),
        polarity=Polarity.LIGHT if view.paper.dark else Polarity.DARK,
        paper=view.paper.kind,
    )


def _view(picture: Picture, is_small: bool, around: Paper | None) -> _View | None:
    """Look at `picture`; None if it has no ink."""
    small, pixel = reduced(picture)
    part = without_bands(small)
    paper = find_paper(part.picture, around)
    values = contrast(part.picture, paper)
    floor = max(_LEAST_FLOOR, _FLOOR * noise_of(paper))
    tone = _tone(values, floor)
    clear = _CLEAR if tone >= _FAINT else _CLEAR_IF_FAINT
    if tone < max(_FAINTEST_INK, clear * floor):
        return None
    return _View(picture, pixel, part, paper, values, min(floor, 0.5 * tone), tone, is_small)


def _digit(view: _View) -> Digit | None:
    values, floor, tone = view.values, view.floor, view.tone
    edge = _EDGE * tone
    if floor > _PRINT_NOISE * tone:
        edge = max(edge, min(0.8 * floor, _EDGE_ON_PRINT * tone))
    mask, strong = _above(values, edge), _above(values, _STRONG * tone)
    if not view.is_small:
        faint = _above(values, max(0.6 * floor, _FAINT_EDGE * tone))
        unlined = without_lines(mask, faint, values, tone)
        if unlined is not mask:
            # The sides of a frame are lines too, but not all of them may be found.
            mask = as_picture(cv2.bitwise_and(unlined, without_frames(mask, strong)))
    fewest = _FEWEST_PIXELS if view.pixel == 1 else 1
    closing = view.paper.closing
    digit = find_digit(mask, strong, cut=view.part.cut, closing=closing, fewest=fewest)
    if digit is None or digit.is_scattered:
        return None
    inked = cv2.countNonZero(mask)
    is_noise = tone < _WEAK * floor and digit.main.area < _LEAST_OF_WEAK * inked
    is_grid = digit.several and inked > _MOST_INK * mask.size
    return None if is_noise or is_grid else digit


def _above(values: Picture, level: float) -> Picture:
    return as_picture(cv2.threshold(values, level, 255, cv2.THRESH_BINARY)[1])


def _tone(values: Picture, floor: float) -> float:
    ink = values[values > floor]
    if len(ink) < _FEWEST_PIXELS:
        return 0.0
    place = int(_FULL_TONE * (len(ink) - 1))
    return float(np.partition(ink, place)[place])


def _surroundings(digit: Digit) -> tuple[int, int, int, int] | None:
    """Return the left, top, right and bottom of small writing with a margin; None if it is not."""
    left, top, right, bottom = digit.box
    height, width = digit.mask.shape
    side = max(right - left, bottom - top)
    if side >= _SMALL_WRITING * max(height, width):
        return None
    margin = max(2, int(_ZOOM_MARGIN * side))
    return (
        max(0, left - margin),
        max(0, top - margin),
        min(width, right + margin),
        min(height, bottom + margin),
    )


def _nearer(view: _View, box: tuple[int, int, int, int]) -> tuple[Picture, Paper]:
    """Cut `box` out of the picture, and out of its paper."""
    (left, top, right, bottom), paper = box, view.paper
    if not isinstance(paper.level, float):
        paper = paper._replace(level=paper.level[top:bottom, left:right])
    x, y, width, height = _place(view, box)
    return view.picture[y : y + height, x : x + width], paper


def _place(view: _View, box: tuple[int, int, int, int]) -> Box:
    """Return where `box`, in pixels of the part, lies in the picture."""
    (left, top, right, bottom), (part, pixel) = box, (view.part, view.pixel)
    x, y = (left + part.left) * pixel, (top + part.top) * pixel
    return x, y, (right - left) * pixel, (bottom - top) * pixel


def _crop(view: _View, digit: Digit) -> Picture:
    """Return the contrast of the digit's ink, from the picture itself if that has more pixels."""
    height, width = digit.mask.shape
    left, top = max(0, digit.box[0] - 1), max(0, digit.box[1] - 1)
    right, bottom = min(width, digit.box[2] + 1), min(height, digit.box[3] + 1)
    mask = cv2.dilate(digit.mask[top:bottom, left:right], _NEIGHBOURHOOD)
    ink = view.values[top:bottom, left:right]
    if view.pixel > 1:
        crop, paper = _nearer(view, (left, top, right, bottom))
        longer = max(right - left, bottom - top) * view.pixel
        crop = averaged(crop, max(1, min(view.pixel, longer // _CROP_SIDE)))
        size = crop.shape[::-1]
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        if not isinstance(paper.level, float):
            paper = paper._replace(level=as_picture(cv2.resize(paper.level, size)))
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


def _runs_through(side: Side, view: _View, digit: Digit, tone: float) -> bool:
    """Whether ink of full tone reaches the outermost line of the picture at `side`."""
    left, top, right, bottom = digit.box
    height, width = digit.mask.shape
    match side:
        case Side.LEFT:
            right = 1
        case Side.TOP:
            bottom = 1
        case Side.RIGHT:
            left = width - 1
        case Side.BOTTOM:
            top = height - 1
    strip, paper = _nearer(view, (left, top, right, bottom))
    line = {
        Side.LEFT: strip[:, 0],
        Side.TOP: strip[0],
        Side.RIGHT: strip[:, -1],
        Side.BOTTOM: strip[-1],
    }[side]
    if not isinstance(paper.level, float):
        paper = paper._replace(level=float(paper.level.mean()))
    ink = contrast(np.ascontiguousarray(line), paper)
    full = (_CUT_TONE_IF_SMALL if view.is_small else _CUT_TONE) * tone
    return bool(np.count_nonzero(ink >= full) >= max(1.0, 0.5 * view.pixel))
