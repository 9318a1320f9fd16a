"""The smooth surface that most of a picture lies on: its paper under even light."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from service.imaging.picture import Picture, as_picture

# The paper is fitted on a reduced picture of at most this side, in pixels.
_FIT_SIDE = 64

# Averaging so many pixels a side is enough for that: of larger pictures some are left out.
_SAMPLED_SIDE = 256

# Light falls off across a sheet in a slope and a curve; in pictures whose shorter side has fewer
# pixels than these, slope or curve would follow the digit instead of the light.
_SLOPE_SIDE = 12
_CURVE_SIDE = 24

# Pixels nearer than this to the fitted paper are paper, however little it varies: a share of the
# picture's range of grey levels.
_PAPER_TOLERANCE = 0.025
_FIT_ROUNDS = 4

# A curve is worth it when half of the picture comes nearer to it than to the slope, by this
# factor: in a tight crop a curve rather follows strokes along the rim.
_WORTH_BENDING = 0.9

# Ink lies on one side of its paper. A surface that has nearly as much on its other side (see
# `_one_sidedness`) is the mean of ink and paper: in a tight crop ink may cover half of the picture
# and its rim. On one half of the digits cut from ORAND-CAR-A that were misread for this it is
# mostly below 0.22, and above 0.9 once the paper keeps its distance; on digits in fog, which has
# two tones as well, mostly above 0.25, and below 0.73.
_MEAN_OF_TWO = 0.4
_ONE_SIDED = 0.8

# Keeps the fit solvable where few pixels are chosen.
_RIDGE = 1e-6


def reduced(picture: Picture) -> NDArray[np.float64]:
    """`picture`, uint8 [height, width], its longer side at most 64 pixels."""
    step = max(1, max(picture.shape) // _SAMPLED_SIDE)
    picture = picture[::step, ::step]
    height, width = picture.shape
    scale = _FIT_SIDE / max(height, width)
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = as_picture(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    return picture.astype(np.float64)


def fitted(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth surface near the larger share of a reduced `picture` [height, width].

    It is fitted again to what lies near it, until the ink has dropped out.
    """
    values, paper = picture.ravel(), _larger_share(picture).ravel()
    surface = _fitted_within(np.inf, values, paper, picture.shape)
    if _one_sidedness(values - surface) < _MEAN_OF_TWO:
        half_way = _half_way_to_ink(values, paper)
        stricter = _fitted_within(half_way, values, paper, picture.shape)
        if _one_sidedness(values - stricter) > _ONE_SIDED:
            surface = stricter
    return surface.reshape(picture.shape)


def _fitted_within(
    farthest: float, values: NDArray[np.float64], paper: NDArray[np.bool_], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    stiffest, *flexible = _terms(*shape)
    surface, near = _fitted_with(stiffest, values, paper, farthest)
    for terms in flexible:
        bent, near_bent = _fitted_with(terms, values, near, farthest)
        if _median_distance(values, bent) < _WORTH_BENDING * _median_distance(values, surface):
            surface, near = bent, near_bent
    return surface


def _one_sidedness(difference: NDArray[np.float64]) -> float:
    both = float(np.vdot(difference, difference))
    return abs(float(np.vdot(difference, np.abs(difference)))) / both if both else 1.0


def _half_way_to_ink(values: NDArray[np.float64], paper: NDArray[np.bool_]) -> float:
    if paper.all():
        return np.inf
    return abs(float(values[paper].mean() - values[~paper].mean())) / 2.0


def _median_distance(values: NDArray[np.float64], surface: NDArray[np.float64]) -> float:
    return _median(np.abs(values - surface))


def _median(values: NDArray[np.float64]) -> float:
    # As np.median has it, which takes several times as long for so few values.
    middle = values.size // 2
    if values.size % 2:
        return float(np.partition(values, middle)[middle])
    below, above = np.partition(values, (middle - 1, middle))[middle - 1 : middle + 1].tolist()
    return float((below + above) / 2.0)


def _larger_share(picture: NDArray[np.float64]) -> NDArray[np.bool_]:
    # Of the light and the dark pixels, paper are those that hold the rim, or nearly all the rest:
    # a bold digit may cover more than half of a tight crop, but seldom its rim too.
    otsu = cv2.THRESH_BINARY | cv2.THRESH_OTSU
    light = cv2.threshold(picture.astype(np.uint8), 0, 1, otsu)[1]
    rim = np.concatenate((light[0], light[-1], light[:, 0], light[:, -1]))
    return np.asarray(light == int((2 * rim.mean() + light.mean()) / 3 > 0.5))


def _fitted_with(
    terms: NDArray[np.float64],
    values: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    farthest: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    tolerance = _PAPER_TOLERANCE * float(np.ptp(values))
    ridge = _RIDGE * np.eye(terms.shape[1])
    surface = values
    for _ in range(_FIT_ROUNDS):
        weighted = terms.T * chosen
        surface = terms @ np.linalg.solve(weighted @ terms + ridge, weighted @ values)
        distance = np.abs(values - surface)
        limit = min(4.0 * _median(distance[chosen]), farthest)
        near = distance < max(tolerance, limit)
        if not near.any() or np.array_equal(near, chosen):
            break
        chosen = near
    return surface, chosen


@lru_cache(maxsize=32)
def _terms(height: int, width: int) -> list[NDArray[np.float64]]:
    # From the stiffest surface to the most flexible: a curve fitted at once to one half of an
    # unevenly lit sheet would miss the other half.
    y, x = (axis.ravel() for axis in np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    flat = np.ones((x.size, 1))
    if min(height, width) < _SLOPE_SIDE:
        return [flat]
    plane = np.column_stack([flat, x, y])
    if min(height, width) < _CURVE_SIDE:
        return [plane]
    return [plane, np.column_stack([plane, x * x, x * y, y * y])]
