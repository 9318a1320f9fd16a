"""A picture of a form to the crops of its fields, straightened in one warp from the original."""

from dataclasses import dataclass, field
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from service.forms.files import Box, Form
from service.forms.finding import Finder, FoundPage, Homography, PageNotFound, PageReason
from service.forms.marks import Ink, ink_of
from service.imaging import Picture

# Rows of a box in its crop: a reader sees 40 of them, a digit 28.
_ROWS = 80
_MOST_COLUMNS = 4096

# Paper around the box in its crop, as a share of its height: writing crosses the line, and the page
# may lie a little beside where it was found.
_MARGIN = 0.06
_MARK_MARGIN = 0.5  # its surroundings

# A crop with more of the original's pixels is made larger first, and then reduced by averaging.
_LARGEST_STEP = 4

_STRAIGHT_SIDE = 1600

# Light that shines on a box hides what is written: this share of it is white, on paper that is not.
_WASHED_OUT, _WHITE, _LIGHTEST_PAPER = 0.05, 253, 245


@dataclass(frozen=True, eq=False)
class StraightPage:
    """A page in a picture, and what is in its boxes."""

    found: FoundPage | None = None  # how it lies in the picture; None if it was not found
    reason: PageReason | None = None  # why it was not found, or not whole
    # Of digits and fields, by name, uint8 [height, width].
    crops: dict[str, Picture] = field(default_factory=dict)
    inks: dict[str, Ink] = field(default_factory=dict)  # of marks, by name
    # The boxes with light so bright that writing in it cannot be seen.
    washed_out: set[str] = field(default_factory=set)


def straighten(picture: Picture, form: Form, find: Finder) -> StraightPage:
    """Find the page of `form` in `picture`, uint8 [height, width], and cut its boxes out."""
    try:
        found = find(picture, form)
    except PageNotFound as error:
        return StraightPage(reason=error.reason)
    height, width = picture.shape
    page = StraightPage(found)
    cut = {}
    for name, box in form.boxes.items():
        corners = _corners_in_picture(box, found.homography)
        if corners.min() < -1 or (corners > (width + 1, height + 1)).any():
            return StraightPage(found, PageReason.PAGE_CUT_OFF)
        if form.fields[name].kind == "mark":
            cut[name] = _cut(picture, box, found.homography, _MARK_MARGIN)
            page.inks[name] = ink_of(cut[name], round(_MARK_MARGIN * _ROWS))
        else:
            cut[name] = page.crops[name] = _cut(picture, box, found.homography, _MARGIN)
    paper = float(np.median([np.median(crop) for crop in cut.values()]))
    page.washed_out.update(name for name, crop in cut.items() if is_washed_out(crop, paper))
    return page


def is_washed_out(crop: Picture, paper: float) -> bool:
    """Return whether bright light hides what is written on `crop`; `paper` is the page's grey."""
    is_white = cv2.blur(crop, (3, 3)) >= _WHITE
    return paper <= _LIGHTEST_PAPER and float(is_white.mean()) > _WASHED_OUT


def straight_picture(picture: Picture, form: Form, found: FoundPage) -> tuple[Picture, float]:
    """Return the whole page straightened, and its pixels per unit of `form.size`."""
    scale = _STRAIGHT_SIDE / max(form.size)
    return _warped(picture, (0, 0, *form.size), found.homography, scale), scale


def _cut(picture: Picture, box: Box, homography: Homography, margin: float) -> Picture:
    x, y, width, height = box
    extra = margin * height
    with_margin = (x - extra, y - extra, width + 2 * extra, height + 2 * extra)
    scale = min(_ROWS / height, _MOST_COLUMNS / width)
    return _warped(picture, with_margin, homography, scale)


def _warped(picture: Picture, box: Box, homography: Homography, scale: float) -> Picture:
    """Return `box` with `scale` pixels per unit of the page."""
    x, y, width, height = box
    size = [max(1, round(side * scale)) for side in (width, height)]
    corners = _corners_in_picture(box, homography)
    longest = (
        np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1).reshape(2, 2).max(axis=0)
    )
    # A warp reads four pixels for each of its own: fewer than the original has would be noise.
    step = min(_LARGEST_STEP, max(1, ceil((longest / size).max() / 1.5)))
    pixel = 1 / (step * scale)
    to_page = np.array([[pixel, 0, x], [0, pixel, y], [0, 0, 1]])
    # A pixel is a square, and sampled in its centre.
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    warp = np.linalg.inv(centre) @ homography @ to_page @ centre
    large = cv2.warpPerspective(
        picture,
        warp,
        [step * side for side in size],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    crop = cv2.resize(large, size, interpolation=cv2.INTER_AREA) if step > 1 else large
    return np.asarray(crop, np.uint8)


def _corners_in_picture(box: Box, homography: Homography) -> NDArray[np.float32]:
    x, y, width, height = box
    corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
    return np.asarray(cv2.perspectiveTransform(corners[None], homography)[0], np.float32)
