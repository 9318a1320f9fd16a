"""The paper behind the ink: a smooth surface under even light, and shadows that have an edge."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from service.imaging.greyscale import Picture, as_picture

# The paper is fitted on a reduced picture of at most this side, in pixels.
_FIT_SIDE = 64

# Averaging this many pixels a side is enough for that; of larger pictures some are left out.
_SAMPLED_SIDE = 256

# Light falls off across a sheet in a slope and a curve. In pictures whose shorter side has fewer
# pixels than these, slope or curve would follow the digit instead of the light.
_SLOPE_SIDE = 12
_CURVE_SIDE = 24

# Pixels nearer than this to the fitted paper are paper, however little it varies: a share of the
# picture's range of grey levels.
_PAPER_TOLERANCE = 0.025
_FIT_ROUNDS = 4

# A curve is used if half of the picture comes nearer to it than to the slope, by this factor: in a
# tight crop a curve follows strokes along the rim.
_CURVE_RATIO = 0.9

# Ink lies on one side of its paper. A surface with nearly as much on its other side (see
# `_one_sidedness`) is the mean of ink and paper: in a tight crop, ink may cover half of the picture
# and its rim. On digits of ORAND-CAR-A that are misread for this it is mostly below 0.22, and above
# 0.9 with the stricter fit; on digits in fog, which also has two tones, mostly above 0.25, and
# below 0.73.
_MEAN_OF_TWO = 0.4
_ONE_SIDED = 0.8

# Keeps the fit solvable if few pixels are selected.
_RIDGE = 1e-6

# The light is the median of a window of this share of the shorter side: wide enough that strokes do
# not fill half of it. A picture of fewer pixels (reduced) is too coarse.
_LIGHT_WINDOW = 0.8
_LIGHT_SIDE = 40

# Shadows that take less of the light do not matter; where one takes more, noise would be raised
# together with the ink.
_LEAST_GAIN = 1.2
_MOST_GAIN = 4.0

# The edge of a shadow is searched in a window of this many pixels of the reduced picture.
_EDGE_WINDOW = 5

# Ink differs from evenly lit paper by more grey levels than this, in at least this many pixels.
_FAINTEST_INK = 20
_FEWEST_PIXELS = 4

# How much nearer to the picture than a smooth surface the light must be, as a ratio of mean
# distances. With shadows that take half of the light it is below 0.45 in 95 of 100 test pictures,
# without a shadow or border it is above 0.7 in 95 of 100.
_SHADOW_RATIO = 0.5


@dataclass(frozen=True, eq=False)
class Paper:
    """The background of a picture.

    Attributes:
        surface: uint8 [height, width], the picture without its ink.
        is_lighter: whether the paper is lighter than the ink.
    """

    surface: Picture
    is_lighter: bool


def find_paper(picture: Picture) -> Paper:
    """Estimate the paper of `picture`, uint8 [height, width]."""
    small = _reduced(picture)
    smooth = fitted(small)
    difference = small - smooth
    darker, lighter = np.minimum(difference, 0.0), np.maximum(difference, 0.0)
    surface = np.clip(np.rint(smooth), 0, 255).astype(np.uint8)
    if surface.shape != picture.shape:
        size = picture.shape[::-1]
        surface = as_picture(cv2.resize(surface, size, interpolation=cv2.INTER_LINEAR))
    return Paper(surface, bool(np.vdot(darker, darker) > np.vdot(lighter, lighter)))


def evenly_lit(picture: Picture) -> Picture:
    """Remove a shadow with an edge, which no smooth surface follows.

    A shadow takes a share of the light from paper and ink alike. So `picture`, uint8
    [height, width], is divided by the light on it: the median around each pixel, which follows an
    edge and ignores strokes.
    """
    small = _reduced(picture)
    side = min(small.shape)
    if side < _LIGHT_SIDE:
        return picture
    light = cv2.medianBlur(small.astype(np.uint8), round(_LIGHT_WINDOW * side) | 1)
    gain = np.minimum(int(light.max()) / np.maximum(light, 1), _MOST_GAIN)
    if gain.max() < _LEAST_GAIN:
        return picture
    if np.abs(small - light).mean() > _SHADOW_RATIO * np.abs(small - fitted(small)).mean():
        return picture
    window = np.ones((_EDGE_WINDOW, _EDGE_WINDOW), np.uint8)
    step = gain * cv2.morphologyEx(light, cv2.MORPH_GRADIENT, window)
    size = picture.shape[::-1]
    gains, steps = (
        cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        for values in (gain, step)
    )
    even = as_picture(cv2.multiply(picture, gains, dtype=cv2.CV_8U))
    # A blurred edge leaves a trace, but none higher than the edge was; a page with nothing higher
    # is empty.
    paper = int(light.max())
    beyond = np.abs(even.astype(np.float32) - paper) > steps + _FAINTEST_INK
    return even if np.count_nonzero(beyond) >= _FEWEST_PIXELS else np.full_like(even, paper)


def fitted(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit a smooth surface to the larger share of a reduced `picture` [height, width].

    Repeats the fit with the pixels near it, until the ink has dropped out.
    """
    values, paper = picture.ravel(), _larger_share(picture).ravel()
    surface = _fitted_within(np.inf, values, paper, picture.shape)
    if _one_sidedness(values - surface) < _MEAN_OF_TWO:
        half_way = _half_way_to_ink(values, paper)
        stricter = _fitted_within(half_way, values, paper, picture.shape)
        if _one_sidedness(values - stricter) > _ONE_SIDED:
            surface = stricter
    return surface.reshape(picture.shape)


def _reduced(picture: Picture) -> NDArray[np.float64]:
    step = max(1, max(picture.shape) // _SAMPLED_SIDE)
    picture = picture[::step, ::step]
    height, width = picture.shape
    scale = _FIT_SIDE / max(height, width)
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = as_picture(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    return picture.astype(np.float64)


def _larger_share(picture: NDArray[np.float64]) -> NDArray[np.bool_]:
    # Of the light and the dark pixels, the paper's are those along the rim, or nearly all the rest:
    # a bold digit may cover more than half of a tight crop, but seldom its rim too.
    otsu = cv2.THRESH_BINARY | cv2.THRESH_OTSU
    light = cv2.threshold(picture.astype(np.uint8), 0, 1, otsu)[1]
    rim = np.concatenate((light[0], light[-1], light[:, 0], light[:, -1]))
    return np.asarray(light == int((2 * rim.mean() + light.mean()) / 3 > 0.5))


def _fitted_within(
    farthest: float, values: NDArray[np.float64], paper: NDArray[np.bool_], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    stiffest, *flexible = _terms(*shape)
    surface, near = _fitted_with(stiffest, values, paper, farthest)
    for terms in flexible:
        bent, near_bent = _fitted_with(terms, values, near, farthest)
        if _median(np.abs(values - bent)) < _CURVE_RATIO * _median(np.abs(values - surface)):
            surface, near = bent, near_bent
    return surface


def _fitted_with(
    terms: NDArray[np.float64],
    values: NDArray[np.float64],
    selected: NDArray[np.bool_],
    farthest: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    tolerance = _PAPER_TOLERANCE * float(np.ptp(values))
    ridge = _RIDGE * np.eye(terms.shape[1])
    surface = values
    for _ in range(_FIT_ROUNDS):
        weighted = terms.T * selected
        surface = terms @ np.linalg.solve(weighted @ terms + ridge, weighted @ values)
        distance = np.abs(values - surface)
        limit = min(4.0 * _median(distance[selected]), farthest)
        near = distance < max(tolerance, limit)
        if not near.any() or np.array_equal(near, selected):
            break
        selected = near
    return surface, selected


@lru_cache(maxsize=32)
def _terms(height: int, width: int) -> list[NDArray[np.float64]]:
    # From the stiffest surface to the most flexible: a curve that is fitted at once to one half of
    # an unevenly lit sheet would miss the other half.
    y, x = (axis.ravel() for axis in np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    flat = np.ones((x.size, 1))
    if min(height, width) < _SLOPE_SIDE:
        return [flat]
    slope = np.column_stack([flat, x, y])
    if min(height, width) < _CURVE_SIDE:
        return [slope]
    return [slope, np.column_stack([slope, x * x, x * y, y * y])]


def _one_sidedness(difference: NDArray[np.float64]) -> float:
    both = float(np.vdot(difference, difference))
    return abs(float(np.vdot(difference, np.abs(difference)))) / both if both else 1.0


def _half_way_to_ink(values: NDArray[np.float64], paper: NDArray[np.bool_]) -> float:
    if paper.all():
        return np.inf
    return abs(float(values[paper].mean() - values[~paper].mean())) / 2.0


def _median(values: NDArray[np.float64]) -> float:
    # np.median takes several times as long for so few values.
    middle = values.size // 2
    if values.size % 2:
        return float(np.partition(values, middle)[middle])
    below, above = np.partition(values, (middle - 1, middle))[middle - 1 : middle + 1].tolist()
    return float((below + above) / 2.0)
