"""A grey picture to MNIST's form: bands off, paper, ink, its pieces, then the crop in 28 x 28.

Rules look at the picture reduced to 64 pixels; only the crop comes from the picture itself.
"""

from enum import StrEnum
from typing import Any, NamedTuple, Self

import cv2
import numpy as np

from service.errors import UnreadableImage
from service.imaging.clutter import Part, Side, without_bands, without_print
from service.imaging.greyscale import Ink, Picture, as_picture
from service.imaging.mnist import SIDE, Mnist28, centred, is_normalised, scaled_to_box, stroke_width
from service.imaging.paper import Paper, PaperKind, averaged, contrast, find_paper, reduced
from service.imaging.pieces import Box, Digit, find_digit

# Ink has at least this contrast, where black on white has 255, and exceeds the noise of the paper:
# the floor, and faint ink twice that.
_LEAST_FLOOR = 6.0
_FLOOR = 1.5
_CLEAR, _CLEAR_IF_FAINT = 1.25, 2.0
_FAINT = 45

# Ink of less contrast than this many times the floor is noise if it has no piece of this share.
_WEAK = 3.0
_LEAST_OF_WEAK = 0.25
# How much likelier than elsewhere the next pixel to ink is ink: 0.2 at least for digits, 0 for
# noise. A picture of fewer pixels does not tell.
_LEAST_COHERENCE = 0.1
_CLEAR_OF_GRAIN = 8.0
_FEWEST_TO_JUDGE = 150

# The tone of ink is the contrast that all but a tenth of its pixels stay below. Shares of the tone:
# the edge of a stroke, of lines, and its soft edge; strong ink.
_FULL_TONE = 0.9
_EDGE, _FAINT_EDGE, _SOFT_EDGE = 0.3, 0.12, 0.25
_STRONG = 0.5
_FEWEST_PIXELS = 3

# In a smaller picture a few pixels may be a digit, and a line cannot be told from a stroke. In one
# smaller than the second, the edge of a shadow cannot be told from printed paper.
_SMALL_PICTURE = 32
_LEAST_SHADOWED = 48

# Writing that takes less than this share of the picture is looked at again from nearer.
_SMALL_WRITING = 0.25
_ZOOM_MARGIN = 0.35

# The crop is reduced by a whole factor, as long as its longer side keeps this many pixels.
_CROP_SIDE = 48

# A digit is cut off if its ink has nearly full tone on the outermost line of the picture, over half
# of a reduced pixel at least. The end of a stroke fades there.
_CUT_TONE = 0.93

# 28 x 28 pixels on black, with ink from side to side: a digit that lines cross. It is best left as
# it is.
_BLACK, _GREY, _WHITE = 3, 40, 200
_BLACK_SHARE = 0.5
_WIDE, _LOW = 26, 24
_GROUND_ROWS = [0, 1, SIDE - 2, SIDE - 1]

_NEIGHBOURHOOD = np.ones((3, 3), np.uint8)


class Polarity(StrEnum):
    """Whether ink is darker or lighter than its paper."""

    DARK = "dark"
    LIGHT = "light"


class Normalised(NamedTuple):
    """The input of a model, and what was found on the picture."""

    image: Mnist28  # uint8 [28, 28], white ink (255) on black (0); may be read-only
    blank: bool = False  # nothing is written on the picture; `image` then has one tone
    several: bool = False  # it shows several digits, perhaps one of them cut off by the rim
    cut_off: bool = False  # the rim cuts the digit off
    # Left, top, width and height of the ink; None if nothing was looked for or found.
    box: tuple[int, int, int, int] | None = None
    polarity: Polarity | None = None  # of the ink; None if `box` is
    paper: PaperKind | None = None  # what it is written on; None if `box` is
    size: tuple[int, int] = (SIDE, SIDE)  # width and height of the picture
    # Contrast and stroke of the ink on the picture, see `Ink`; None if they are those of `image`.
    measures: tuple[float, float] | None = None

    @classmethod
    def of_blank(cls) -> Self:
        """Return the input for a picture on which nothing is written."""
        return cls(np.zeros((SIDE, SIDE), np.uint8), blank=True)

    @property
    def ink(self) -> Ink | None:
        """What the ink measures on the picture; None if nothing was looked for or found."""
        if self.box is None:
            return None
        contrast, stroke = self.measures or (float(self.image.max()), stroke_width(self.image))
        return Ink(self.box[3], contrast, stroke)


def normalise(picture: Picture) -> Normalised:
    """Find the ink on `picture` and bring it to the form of MNIST (0.2 ms for 100 x 100).

        normalise(decode(data, max_pixels=16_000_000)).image

    Ink may be darker or lighter than the paper, and the light uneven. Dark bands, printed lines,
    frames and specks are removed. An image in MNIST's form is returned as it is, its inverse as the
    exact inverse.

    Returns:
        White ink on black, its longer side 20 pixels, its centre of mass in the middle.
    """
    if picture.shape == (SIDE, SIDE):
        picture = _without_stripes(picture)
        found = _in_form(picture, Polarity.LIGHT) or _in_form(~picture, Polarity.DARK)
        if found:
            return found
    height, width = picture.shape
    found = _normalised(picture, is_small=min(height, width) < _SMALL_PICTURE)
    return found._replace(size=(width, height))


def unchanged(picture: Picture) -> Normalised:
    """Wrap a picture that is normalised already.

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


def _in_form(image: Picture, polarity: Polarity) -> Normalised | None:
    """Return `image` as it is if it has MNIST's form (5 us)."""
    if not (is_normalised(image) or _is_crossed(image)):
        return None
    box: Any = cv2.boundingRect(image)
    return Normalised(image, box=box, polarity=polarity, paper=PaperKind.PLAIN)


def _without_stripes(image: Picture) -> Picture:
    # Columns at both sides that are inverted, digit and all, have a light ground beside a dark one.
    if image[0, 0] < _WHITE or image[0, -1] < _WHITE or image[0, SIDE // 2] > _BLACK:
        return image
    ground = image[_GROUND_ROWS]
    light = ground.min(axis=0) >= _WHITE
    is_pure = light | (ground.max(axis=0) <= _BLACK)
    if np.count_nonzero(light[1:] != light[:-1]) != 2 or not is_pure.all():
        return image
    return np.where(light, ~image, image)


def _is_crossed(image: Picture) -> bool:
    if image[0, 0] > _BLACK or image.max() < _WHITE:
        return False
    if np.count_nonzero(image <= _BLACK) < _BLACK_SHARE * image.size:
        return False
    ink = cv2.threshold(image, _GREY, 1, cv2.THRESH_BINARY)[1]
    _, _, width, height = cv2.boundingRect(ink)
    return width >= _WIDE and height <= _LOW


class _View(NamedTuple):
    """A picture, reduced, and the contrast of its ink."""

    picture: Picture  # the picture itself
    pixel: int  # the side in its pixels of a pixel of `part`
    part: Part  # the reduced picture without bands
    paper: Paper
    values: Picture  # the contrast; uint8 [height, width] like `part`
    floor: float  # the contrast of noise
    tone: float  # the contrast of full ink
    is_small: bool  # it was drawn in few pixels

    def place(self, box: Box) -> tuple[int, int, int, int]:
        """Return left, top, width and height in the picture of a box of `part`."""
        (left, top, right, bottom), pixel = box, self.pixel
        x, y = (left + self.part.left) * pixel, (top + self.part.top) * pixel
        return x, y, (right - left) * pixel, (bottom - top) * pixel

    def cut(self, box: Box) -> Picture:
        """Cut a box of `part` out of the picture."""
        x, y, width, height = self.place(box)
        return self.picture[y : y + height, x : x + width]


def _normalised(picture: Picture, *, is_small: bool, is_near: bool = False) -> Normalised:
    view = _view(picture, is_small=is_small)
    digit = _digit(view) if view else None
    if view is None or digit is None:
        return Normalised.of_blank()
    size = max(digit.box[2] - digit.box[0], digit.box[3] - digit.box[1])
    if view.pixel > 1 and size < _SMALL_WRITING * max(view.values.shape) and not is_near:
        box = digit.box_with(max(2, int(_ZOOM_MARGIN * size)))
        found = _normalised(view.cut(box), is_small=is_small, is_near=True)
        if found.box is None:
            return found
        (x, y, width, height), (left, top, _, _) = found.box, view.place(box)
        several = found.several or digit.several
        return found._replace(several=several, box=(left + x, top + y, width, height))
    if not is_small and digit.is_dirt(view.pixel):
        return Normalised.of_blank()
    ink = _ink(view, digit)
    if not ink.size:
        return Normalised.of_blank()
    ink = as_picture(cv2.convertScaleAbs(ink, alpha=255.0 / view.tone))
    cut_off = any(_is_cut(side, view, digit) for side in digit.touches)
    scaled, stroke = scaled_to_box(ink)
    box = view.place(digit.box)
    return Normalised(
        centred(scaled),
        several=digit.several,
        cut_off=cut_off,
        box=box,
        polarity=Polarity.LIGHT if view.paper.dark else Polarity.DARK,
        paper=view.paper.kind,
        measures=(view.tone, stroke * max(box[2:])),
    )


def _view(picture: Picture, *, is_small: bool) -> _View | None:
    """Look at `picture`; None if it has no ink."""
    small, pixel = reduced(picture)
    part = without_bands(small)
    paper = find_paper(
        part.picture, part.tones, follows_shadows=min(picture.shape) >= _LEAST_SHADOWED
    )
    values = contrast(part.picture, paper)
    floor = max(_LEAST_FLOOR, _FLOOR * paper.noise)
    tone = _tone(values, floor)
    if tone < floor * (_CLEAR if tone >= _FAINT else _CLEAR_IF_FAINT):
        return None
    return _View(picture, pixel, part, paper, values, min(floor, 0.5 * tone), tone, is_small)


def _digit(view: _View) -> Digit | None:
    values, floor, tone = view.values, view.floor, view.tone
    mask, strong = _above(values, _EDGE * tone), _above(values, _STRONG * tone)
    if tone < _CLEAR_OF_GRAIN * floor and _is_grain(mask):
        return None
    if not view.is_small:
        faint = _above(values, max(0.6 * floor, _FAINT_EDGE * tone))
        mask = without_print(mask, faint, values, tone)
    digit = find_digit(mask, strong, view.part.cut)
    if digit is None or (view.pixel == 1 and cv2.countNonZero(digit.mask) < _FEWEST_PIXELS):
        return None
    is_weak = tone < _WEAK * floor and digit.main.area < _LEAST_OF_WEAK * cv2.countNonZero(mask)
    return None if is_weak else digit


def _is_grain(mask: Picture) -> bool:
    # Next to ink is ink, next to noise is anything.
    beside = cv2.countNonZero(cv2.bitwise_and(mask[:, 1:], mask[:, :-1]))
    below = cv2.countNonZero(cv2.bitwise_and(mask[1:], mask[:-1]))
    inked = cv2.countNonZero(mask)
    share = inked / mask.size
    return mask.size >= _FEWEST_TO_JUDGE and (beside + below) / 2 < inked * (
        share + _LEAST_COHERENCE * (1 - share)
    )


def _above(values: Picture, level: float) -> Picture:
    return as_picture(cv2.threshold(values, level, 255, cv2.THRESH_BINARY)[1])


def _tone(values: Picture, floor: float) -> float:
    ink = values[values > floor]
    if len(ink) < _FEWEST_PIXELS:
        return 0.0
    place = int(_FULL_TONE * (len(ink) - 1))
    return float(np.partition(ink, place)[place])


def _ink(view: _View, digit: Digit) -> Picture:
    """Return the contrast of the digit's ink, cut to its box (20 us).

    It comes from the picture itself if that has more pixels than the view.
    """
    left, top, right, bottom = box = digit.box_with(1)
    inner = np.s_[top:bottom, left:right]
    ink, mask, tone = view.values[inner], as_picture(digit.mask[inner]), view.tone
    if view.pixel > 1:
        crop = view.cut(box)
        side = max(1, min(view.pixel, max(crop.shape) // _CROP_SIDE))
        # Averages are rounded up. Those of the inverse give light ink the form of dark ink.
        crop = ~averaged(~crop, side)[0] if view.paper.dark else averaged(crop, side)[0]
        mask = as_picture(cv2.resize(mask, crop.shape[::-1], interpolation=cv2.INTER_NEAREST))
        ink = contrast(crop, view.paper.resized(inner, crop.shape))
    ink = as_picture(cv2.bitwise_and(ink, ink, mask=cv2.dilate(mask, _NEIGHBOURHOOD)))
    soft = _above(ink, max(0.7 * view.floor, _SOFT_EDGE * tone))
    x, y, width, height = cv2.boundingRect(soft)
    inner = np.s_[y : y + height, x : x + width]
    return as_picture(cv2.bitwise_and(ink[inner], cv2.dilate(soft[inner], _NEIGHBOURHOOD)))


def _is_cut(side: Side, view: _View, digit: Digit) -> bool:
    """Whether ink of full tone reaches the outermost line of the picture at `side`."""
    box = list(digit.box)
    box[(side + 2) % 4] = box[side] + (1 if side < Side.RIGHT else -1)
    left, top, right, bottom = box
    line = np.rot90(view.cut((left, top, right, bottom)), side)[:, :1]
    paper = view.paper.resized(np.s_[top:bottom, left:right], line.shape)
    ink = contrast(np.ascontiguousarray(line), paper)
    full = cv2.countNonZero(_above(ink, _CUT_TONE * view.tone))
    return full >= max(1.0, 0.5 * view.pixel)
