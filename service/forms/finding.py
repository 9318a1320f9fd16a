"""Finding the page of a form in a picture: printed squares, ArUco markers, or the whole picture.

Each finder returns how the page lies in the picture, or raises `PageNotFound`: there is no guess.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from service.forms.files import Form
from service.imaging import Picture, reduced

Points = NDArray[np.float32]  # [..., 2]: x and y, from the corner of the first pixel
Homography = NDArray[np.float64]  # [3, 3]: from the page, in its unit, to pixels of the picture

# Markers are searched in a picture of at most this side, in pixels.
_SEARCHED_SIDE = 1600
_PAPER_SIDE = 200  # of a picture of the paper alone

# The darkest a marker's square may be, as shares of the paper around it: print is grey in light
# that shines on it, and in the blur of a small picture.
_DARKNESS = (0.45, 0.6, 0.72)

# Sides of a square in the searched picture, in pixels and as a share of its longer side.
_LEAST_SIDE, _LARGEST_SIDE = 7, 0.12
# The hole of the hollow square: its share of the area, from thick to thin lines.
_HOLE = (0.1, 0.75)
# The largest and the smallest of four squares: sides differ by perspective.
_MOST_DIFFERENCE = 2.2
# The largest hollow squares are tried, each with the solid ones that are most similar: a picture
# full of squares takes seconds.
_MOST_HOLLOW, _MOST_SOLID = 10, 12
# OpenCV compares all that may be an ArUco marker with one another; so many take a second or so.
_MOST_QUADRANGLES = 800
# The page covers at least this share of the picture.
_LEAST_PAGE = 0.03

# Root mean square of the distances between the markers' 16 corners and those of equal squares in
# the corners of a page of this shape, as a share of a marker's side. Wrong squares have 0.3 and
# more, right ones at most 0.08 (tests/forms).
_MOST_RESIDUAL = 0.15

# A picture that is the page has its shape, within this share.
_SHAPE = 0.08

# How a page is found in a picture.
Finder = Callable[[Picture, Form], "FoundPage"]

# For blurred markers: of 16 simulated photographs (tests/forms/drawing.py, severity 1, 1.5) all are
# found, with OpenCV's defaults 3. Wrong markers do not pass `_fitted`.
_ARUCO = {
    "adaptiveThreshWinSizeMax": 63,
    "errorCorrectionRate": 1.0,
    "maxErroneousBitsInBorderRate": 0.6,
    "perspectiveRemoveIgnoredMarginPerCell": 0.3,
    "perspectiveRemovePixelPerCell": 8,
}

_UNIT_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


class PageReason(StrEnum):
    """Why no page was found, or not one."""

    PAGE_NOT_FOUND = "page_not_found"
    PAGE_CUT_OFF = "page_cut_off"
    SEVERAL_PAGES = "several_pages"


class PageNotFound(Exception):
    """Error for a picture without exactly one whole page of the form."""

    def __init__(self, reason: PageReason = PageReason.PAGE_NOT_FOUND) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class FoundPage:
    """How a page lies in a picture."""

    homography: Homography  # from the page to the picture
    corners: Points  # float [4, 2], of the page in the picture, clockwise from the page's top left
    # How far the marks that it was found by are from where they should be, as the root of the mean
    # square in pixels of the picture; None for a picture that is the page.
    residual_px: float | None


class _Marked(NamedTuple):
    page: FoundPage
    squares: Points  # [4, 4, 2]: the corners of each of its markers


def find_by_corners(picture: Picture, form: Form) -> FoundPage:
    """Find four printed squares of one size in the corners, of which the top left one is hollow.

    Raises:
        PageNotFound: there are not four such squares, or there is more than one hollow one.
    """
    small, scale = _reduced(picture)
    shares = _of_paper(small)
    found: list[_Marked] = []
    for darkness in _DARKNESS:
        solid, hollow = _squares(shares, darkness)
        hollow.sort(key=cv2.contourArea, reverse=True)
        pages = (_page_around(each, solid, form, small.size) for each in hollow[:_MOST_HOLLOW])
        found = [page for page in pages if page is not None]
        if found:
            break
    if len(found) != 1:
        raise PageNotFound(PageReason.SEVERAL_PAGES if found else PageReason.PAGE_NOT_FOUND)
    return _fitted(_refined(picture, scale * found[0].squares), form)


def find_by_aruco(picture: Picture, form: Form) -> FoundPage:
    """Find the markers 0 to 3 of DICT_4X4_50, clockwise from the top left (Garrido-Jurado, 2014).

    Raises:
        PageNotFound: they are not all there, or one is there twice.
    """
    parameters = cv2.aruco.DetectorParameters()
    for name, value in _ARUCO.items():
        setattr(parameters, name, value)
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    small, scale = _reduced(picture)
    if _quadrangles(small, parameters) > _MOST_QUADRANGLES:
        raise PageNotFound
    corners, ids, _ = cv2.aruco.ArucoDetector(dictionary, parameters).detectMarkers(small)
    numbers = [] if ids is None else ids.ravel().tolist()
    wanted = [number for number in numbers if number in range(4)]
    if len(set(wanted)) < 4 or len(wanted) > 4:
        several = len(wanted) > len(set(wanted))
        raise PageNotFound(PageReason.SEVERAL_PAGES if several else PageReason.PAGE_NOT_FOUND)
    squares = np.array([corners[numbers.index(number)] for number in range(4)], np.float32)
    return _fitted(_refined(picture, scale * squares.reshape(4, 4, 2)), form)


def whole_picture(picture: Picture, form: Form) -> FoundPage:
    """Take the picture as the page; raise `PageNotFound` if it has another shape."""
    height, width = picture.shape
    page_width, page_height = form.size
    across, down = width / page_width, height / page_height
    if not 1 - _SHAPE < across / down < 1 / (1 - _SHAPE):
        raise PageNotFound
    homography = np.diag([across, down, 1.0])
    return FoundPage(homography, corners_of(form, homography), None)


def corners_of(form: Form, homography: Homography) -> Points:
    """Return the corners of the page in the picture: float32 [4, 2]."""
    page = _UNIT_SQUARE * np.array(form.size, np.float32)
    return np.asarray(cv2.perspectiveTransform(page[None], homography)[0], np.float32)


def is_upright(corners: Points) -> bool:
    """Return whether `corners`, clockwise, are those of a convex page that is not mirrored."""
    sides = np.roll(corners, -1, axis=0) - corners
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    return bool((turns > 0).all())


def _reduced(picture: Picture) -> tuple[Picture, float]:
    """Return the picture to search, and how many pixels of `picture` one of it is."""
    small = reduced(picture, _SEARCHED_SIDE)
    return small, max(picture.shape) / max(small.shape)


def _quadrangles(picture: Picture, parameters: cv2.aruco.DetectorParameters) -> int:
    """Return about how many quadrangles OpenCV takes for what may be a marker."""
    least = parameters.minMarkerPerimeterRate * max(picture.shape)
    window = parameters.adaptiveThreshWinSizeMin + parameters.adaptiveThreshWinSizeStep
    constant = parameters.adaptiveThreshConstant
    method = cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV
    mask = cv2.adaptiveThreshold(cv2.blur(picture, (3, 3)), 255, *method, window, constant)
    outlines = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    accuracy = 2 * parameters.polygonalApproxAccuracyRate  # blur rounds corners
    long = (outline for outline in outlines if len(outline) >= least)
    return sum(len(cv2.approxPolyDP(each, accuracy * len(each), True)) == 4 for each in long)


def _of_paper(picture: Picture) -> Picture:
    """Return the share of the light of the paper around each pixel; 255 is all of it."""
    # The paper: the lightest pixels nearby, which are further than the side of a square.
    coarse = reduced(picture, _PAPER_SIDE)
    reach = 2 * round(_LARGEST_SIDE * max(coarse.shape) / 1.5) + 1
    paper = cv2.GaussianBlur(cv2.dilate(coarse, np.ones((reach, reach), np.uint8)), (0, 0), 3)
    paper = cv2.resize(paper, picture.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(cv2.blur(picture, (3, 3)), paper, scale=255), np.uint8)


def _squares(shares: Picture, darkness: float) -> tuple[list[Points], list[Points]]:
    """Return the corners [4, 2], clockwise, of solid and of hollow dark squares."""
    side = max(shares.shape)
    mask = cv2.threshold(shares, 255 * darkness, 1, cv2.THRESH_BINARY_INV)[1]
    outlines, tree, *_ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    solid: list[Points] = []
    hollow: list[Points] = []
    for number, outline in enumerate(outlines):
        _, _, child, parent = tree[0][number]
        square = _as_square(outline, side) if parent < 0 else None
        if square is None:
            continue
        holes = []
        while child >= 0:
            holes.append(cv2.contourArea(outlines[child]))
            child = tree[0][child][0]
        hole = max(holes, default=0.0) / cv2.contourArea(outline)
        if _HOLE[0] < hole < _HOLE[1]:
            hollow.append(square)
        elif hole < _HOLE[0] / 2:
            solid.append(square)
    return solid, hollow


def _as_square(outline: NDArray[Any], side: int) -> Points | None:
    around = cv2.arcLength(outline, True)
    if not 4 * _LEAST_SIDE < around < 4 * _LARGEST_SIDE * side:
        return None
    corners = cv2.approxPolyDP(outline, 0.1 * around, True).reshape(-1, 2).astype(np.float32)
    if len(corners) != 4:
        return None
    if not is_upright(corners):
        corners = corners[::-1]
    lengths = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    # Pixels of the outline are half a pixel within the square.
    filled = cv2.contourArea(outline) / max(1.0, cv2.contourArea(corners))
    is_square = is_upright(corners) and lengths.max() < _MOST_DIFFERENCE * lengths.min()
    return corners if is_square and 0.85 < filled < 1.2 else None


def _page_around(hollow: Points, solid: list[Points], form: Form, pixels: int) -> _Marked | None:
    """Return the best page whose top left square is `hollow`."""
    area = cv2.contourArea(hollow)
    differences = [abs(np.log(cv2.contourArea(each) / area)) for each in solid]
    near = [n for n in np.argsort(differences) if differences[n] < 2 * np.log(_MOST_DIFFERENCE)]
    best: _Marked | None = None
    for three in combinations(near[:_MOST_SOLID], 3):
        squares = np.array([hollow, *(solid[number] for number in three)])
        centres = squares.mean(axis=1)
        offsets = centres - centres.mean(axis=0)
        order = np.argsort(np.arctan2(offsets[:, 1], offsets[:, 0]))
        order = np.roll(order, -int(np.flatnonzero(order == 0)[0]))
        squares, centres = squares[order], centres[order]
        if not is_upright(centres) or cv2.contourArea(centres) < _LEAST_PAGE * pixels:
            continue
        squares = _turned(squares, form)
        try:
            page = _fitted(squares, form)
        except PageNotFound:
            continue
        if best is None or (page.residual_px or 0.0) < (best.page.residual_px or 0.0):
            best = _Marked(page, squares)
    return best


def _turned(squares: Points, form: Form) -> Points:
    """Return `squares` [4, 4, 2] with the corners of each clockwise from its top left."""
    page = _UNIT_SQUARE * np.array(form.size, np.float32)
    rough = cv2.getPerspectiveTransform(squares.mean(axis=1), page)
    first = cv2.perspectiveTransform(squares, rough).sum(axis=2).argmin(axis=1)
    return np.array([np.roll(*each, axis=0) for each in zip(squares, -first, strict=True)])


def _model(form: Form, side: float) -> Points:
    """Return the corners [4, 4, 2] of squares of this side in the corners of the page."""
    width, height = form.size
    places = _UNIT_SQUARE * np.array([width - side, height - side], np.float32)
    return np.asarray(places[:, None] + side * _UNIT_SQUARE[None], np.float32)


def _fitted(squares: Points, form: Form) -> FoundPage:
    """Return the page whose markers have these corners [4, 4, 2], or raise `PageNotFound`."""
    page = _UNIT_SQUARE * np.array(form.size, np.float32)
    outer = np.array([square[number] for number, square in enumerate(squares)], np.float32)
    flat = cv2.perspectiveTransform(squares, cv2.getPerspectiveTransform(outer, page))
    side = float(np.median(np.linalg.norm(np.roll(flat, -1, axis=1) - flat, axis=2)))
    model = _model(form, side).reshape(-1, 2)
    fitted, _ = cv2.findHomography(model, squares.reshape(-1, 2), 0)
    if fitted is None:
        raise PageNotFound
    homography = np.asarray(fitted, np.float64)
    seen = cv2.perspectiveTransform(model[None], homography)[0].reshape(4, 4, 2)
    residual = float(np.sqrt(((seen - squares) ** 2).sum(axis=2).mean()))
    longest = np.linalg.norm(np.roll(squares, -1, axis=1) - squares, axis=2).mean()
    corners = corners_of(form, homography)
    if residual > _MOST_RESIDUAL * longest or not is_upright(corners):
        raise PageNotFound
    return FoundPage(homography, corners, residual)


def _refined(picture: Picture, squares: Points) -> Points:
    """Return the corners [4, 4, 2] to a fraction of a pixel."""
    side = float(np.linalg.norm(np.roll(squares, -1, axis=1) - squares, axis=2).min())
    window = int(max(2, min(40, side / 5)))
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 30, 0.02)
    points = np.asarray(squares, np.float32).reshape(-1, 1, 2)
    refined = cv2.cornerSubPix(picture, points.copy(), (window, window), (-1, -1), criteria)
    # One that runs away followed another edge.
    is_near = np.linalg.norm(refined - points, axis=2, keepdims=True) <= window
    # OpenCV counts from the centre of the first pixel.
    return np.where(is_near, refined, points).reshape(4, 4, 2) + np.float32(0.5)


FINDERS: dict[str, Finder] = {
    "corners": find_by_corners,
    "aruco": find_by_aruco,
    "none": whole_picture,
}
