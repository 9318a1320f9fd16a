"""The paper behind the ink: its grey level, its polarity, and the contrast of ink on it.

Everything works on a picture reduced to at most 64 pixels a side: paper and strokes are still
there, and each step takes microseconds. Times are for one core and a picture of 100 x 100.
"""

from enum import StrEnum
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from models.strips import percentiles
from service.imaging.greyscale import Picture, as_picture

# Longer side of the picture that rules work on, in pixels.
WORKING_SIDE = 64

# Of large squares one pixel of several is read: averaging them all costs more than it tells.
_SAMPLED_SIDE = 8
_SAMPLES = 4

# Levels of a rim on plain paper deviate by less than this share of the contrast of ink.
_PLAIN_RIM = 1 / 8

# Two clean tones have less than this share of their variance within the tones. A bold digit that
# fills its crop, on flat paper, has; a shadow does not unless it covers much of the rim. In a crop
# of fewer pixels nothing else can be told.
_CLEAN_TONES = 0.22
_BITONAL = 0.004
_UNEVEN_SIDE = 20
_PAPER_ON_RIM = 0.67
_PURE_RIM = 0.97
# A stroke meets the rim twice; a digit that fills the crop does so at three places or more.
_RIM_CHANGES = 6
# A region this wide, as a share of the shorter side, is a shadow rather than a stroke.
_SHADOW_WIDTH = 0.33

# A surface fitted to light without edges leaves all ink on one side (1).
_ONE_SIDED = 0.8
_GRID = 16
_RIDGE = 1e-6

# Closing removes strokes narrower than this share of the shorter side.
_CLOSING = 0.2

# Light on the paper below this grey level is not divided by: it has too few levels.
_LEAST_LIGHT = np.uint8(40)


class PaperKind(StrEnum):
    """The light on the paper: one level, a smooth slope, or the edge of a shadow."""

    PLAIN = "plain"
    UNEVEN = "uneven"
    SHADOW = "shadow"


class Paper(NamedTuple):
    """The background of the ink."""

    level: Picture  # its grey level; uint8 [height, width]
    light: int  # the highest level
    dark: bool  # it is darker than the ink
    noise: float  # standard deviation of its grey levels, where it is lightest
    kind: PaperKind  # the light on it

    def resized(self, part: tuple[slice, slice], shape: tuple[int, ...]) -> Self:
        """Return the paper of a part of the picture, resized to `shape`."""
        if self.kind is PaperKind.PLAIN:
            return self
        return self._replace(level=as_picture(cv2.resize(self.level[part], shape[::-1])))


def reduced(picture: Picture, side: int = WORKING_SIDE) -> tuple[Picture, int]:
    """Average squares of pixels so that the longer side has about `side` of them (3 us)."""
    return averaged(picture, -(-max(picture.shape) // side))


def averaged(picture: Picture, side: int) -> tuple[Picture, int]:
    """Average squares of `side` pixels, without a remainder at the right and bottom.

    Returns the reduced picture and the side of a square: a large one can be a little smaller.
    """
    step = side // _SAMPLES if side >= _SAMPLED_SIDE else 1
    factor, picture = side // step, picture[::step, ::step]
    if factor > 1:
        height, width = picture.shape
        size = max(1, width // factor), max(1, height // factor)
        if height >= factor and width >= factor:
            picture = picture[: size[1] * factor, : size[0] * factor]
        picture = as_picture(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    return picture, factor * step


def otsu(picture: Picture) -> tuple[float, Picture]:
    """Return Otsu's threshold of `picture`, and uint8 1 where pixels are above it."""
    threshold, light = cv2.threshold(picture, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return threshold, as_picture(light)


def mean_and_deviation(values: Picture, mask: Picture | None = None) -> tuple[float, float]:
    """Return the mean and the standard deviation of `values`, where `mask` is not 0."""
    mean, deviation = cv2.meanStdDev(values, mask=mask)
    return float(mean[0, 0]), float(deviation[0, 0])


def find_paper(
    picture: Picture, tones: tuple[float, Picture], *, follows_shadows: bool = True
) -> Paper:
    """Find the paper of a reduced `picture`, uint8 [height, width] (15 us if it is plain).

    Most paper is plain: its rim has one tone. Otherwise two clean tones are ink on flat paper, a
    smooth surface follows light that falls off, and a morphological closing follows the edge of a
    shadow; there, ink is assumed to be dark.

    `tones` is what `otsu` returns for it. `follows_shadows` is False for a crop, which has too few
    pixels for the edge of a shadow.
    """
    threshold, light = tones
    rim = np.concatenate((picture[0], picture[:, -1], picture[-1, ::-1], picture[::-1, 0]))
    mean, deviation = mean_and_deviation(rim)
    levels, within, share = _two_tones(picture, light)
    low, high, _, _ = cv2.minMaxLoc(rim)
    if (low > threshold or high <= threshold) and deviation < _PLAIN_RIM * (levels[1] - levels[0]):
        return _flat(picture, mean, deviation, dark=high <= threshold)
    lit = rim > threshold
    corners = int(light[0, 0]) + int(light[0, -1]) + int(light[-1, 0]) + int(light[-1, -1])
    # Rim, corners and area vote on which of the two tones is the paper's.
    dark = bool(2 * lit.mean() + share + corners / 2 < 2.5)
    is_flat = within < _CLEAN_TONES and _is_flat(light, lit, within, dark=dark)
    if not is_flat:
        surface, sidedness = _smooth_surface(picture)
        if abs(sidedness) > _ONE_SIDED:
            dark = sidedness > _ONE_SIDED
            return _uneven(picture, surface, PaperKind.UNEVEN, dark=dark)
        if follows_shadows:
            return _closed(picture)
    own = rim[lit != dark]
    if len(own) <= 8:
        return _flat(picture, levels[not dark], 3.0, dark=dark)
    level = float(np.partition(own, len(own) // 2)[len(own) // 2])
    return _flat(picture, level, mean_and_deviation(own)[1], dark=dark)


def _flat(picture: Picture, level: float, noise: float, *, dark: bool) -> Paper:
    levels = np.full(picture.shape, round(level), np.uint8)
    return Paper(levels, round(level), dark, noise, PaperKind.PLAIN)


def _two_tones(picture: Picture, light: Picture) -> tuple[tuple[float, float], float, float]:
    # The levels of the dark and the light pixels, how much of the variance is within the two, and
    # how many pixels are light.
    low, low_deviation = mean_and_deviation(picture, 1 - light)
    high, high_deviation = mean_and_deviation(picture, light)
    share = cv2.countNonZero(light) / light.size
    within = share * high_deviation**2 + (1 - share) * low_deviation**2
    between = share * (1 - share) * (high - low) ** 2
    return (low, high), within / (within + between) if between else 1.0, share


def _is_flat(light: Picture, lit: NDArray[np.bool_], within: float, *, dark: bool) -> bool:
    shorter = min(light.shape)
    if within < _BITONAL or shorter < _UNEVEN_SIDE:
        return True
    paper_on_rim = np.count_nonzero(lit != dark) / lit.size
    if np.count_nonzero(lit[1:] != lit[:-1]) >= _RIM_CHANGES or paper_on_rim > _PURE_RIM:
        return True
    side = max(3, int(_SHADOW_WIDTH * shorter))
    ink = light if dark else 1 - light
    core = cv2.erode(ink, np.ones((side, side), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return bool(paper_on_rim > _PAPER_ON_RIM and not cv2.countNonZero(core))


_Y, _X = (axis.ravel() for axis in np.mgrid[-1 : 1 : _GRID * 1j, -1 : 1 : _GRID * 1j])
_CURVE = np.column_stack([np.ones_like(_X), _X, _Y, _X * _X, _X * _Y, _Y * _Y])
_SLOPE = np.ascontiguousarray(_CURVE[:, :3])
_FIRST_SLOPE = np.linalg.pinv(_SLOPE)
_RIDGES = _RIDGE * np.eye(_CURVE.shape[1])


def _smooth_surface(picture: Picture) -> tuple[Picture, float]:
    # A slope, then a curve, each fitted again to the pixels near it, so that ink drops out. Returns
    # the surface, and the side on which other pixels lie, 1 for lighter and -1 for darker.
    grid = cv2.resize(picture, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    values = grid.ravel().astype(np.float64)
    surface = _SLOPE @ (_FIRST_SLOPE @ values)
    difference = values - surface
    distance = np.abs(difference)
    for terms, ridge in ((_SLOPE, _RIDGES[:3, :3]), (_CURVE, _RIDGES), (_CURVE, _RIDGES)):
        median = np.partition(distance, values.size // 2)[values.size // 2]
        weighted = terms.T * (distance < max(2.5 * median, 2.0))
        # Takes a tenth of the time of NumPy's.
        right = (weighted @ values)[:, np.newaxis]
        factors = cv2.solve(weighted @ terms + ridge, right, flags=cv2.DECOMP_CHOLESKY)[1]
        surface = (terms @ factors).ravel()
        difference = values - surface
        distance = np.abs(difference)
    energy = float(difference @ difference)
    levels = np.clip(np.rint(surface), 0, 255).astype(np.uint8).reshape(_GRID, _GRID)
    whole = cv2.resize(levels, picture.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return as_picture(whole), float(difference @ distance) / energy if energy else 0.0


def _closed(picture: Picture) -> Paper:
    side = max(5, int(_CLOSING * min(picture.shape))) | 1
    # OpenCV's own border would raise the paper along the rim.
    wide = cv2.copyMakeBorder(picture, side, side, side, side, cv2.BORDER_REPLICATE)
    square = np.ones((side, side), np.uint8)
    closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, square)[side:-side, side:-side]
    # Noise lifts a closing; half of the paper's pixels lie above it again once its median is off.
    bias = int(*percentiles(as_picture(cv2.subtract(closed, picture)), [50]))
    level = as_picture(cv2.subtract(closed, np.full_like(closed, bias)))
    return _uneven(picture, level, PaperKind.SHADOW, dark=False)


def _uneven(picture: Picture, level: Picture, kind: PaperKind, *, dark: bool) -> Paper:
    # Half of the paper's pixels lie on the side without ink, 0.8 deviations away on average. Twice
    # that leaves room for glare and grain.
    beyond = cv2.subtract(level, picture) if dark else cv2.subtract(picture, level)
    noise, light = 4.0 * float(cv2.mean(beyond)[0]), int(level.max())
    if not dark:
        noise *= light / max(float(cv2.mean(level)[0]), float(_LEAST_LIGHT))
    return Paper(level, light, dark, noise, kind)


def contrast(picture: Picture, paper: Paper) -> Picture:
    """Return the contrast of ink: 0 for paper, 255 for black on white (5 us).

    Dark ink in a shadow counts as it would where the paper is lightest.
    """
    level = paper.level
    if paper.kind is PaperKind.PLAIN:
        level = np.full_like(picture, paper.light)
    if paper.dark:
        return as_picture(cv2.subtract(picture, level))
    ink = as_picture(cv2.subtract(level, picture))
    if paper.kind is PaperKind.PLAIN:
        return ink
    light = np.maximum(level, _LEAST_LIGHT)
    return as_picture(cv2.divide(ink, light, scale=max(paper.light, int(_LEAST_LIGHT))))
