"""The paper behind the ink: its grey level, its polarity, and the contrast of ink on it.

Everything works on a picture reduced to at most 64 pixels a side: paper and strokes are still
there, and each step takes microseconds. Times are for one core and a picture of 100 x 100.
"""

import math
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from service.imaging.greyscale import Picture, as_picture

# Longer side of the picture that rules work on, in pixels.
WORKING_SIDE = 64

# Of much larger pictures one pixel of several is read: averaging them all costs more than it tells.
_SAMPLED_FACTOR = 8
_SAMPLES = 4

# Levels of a rim on plain paper deviate by less than this share of the contrast of ink.
_PLAIN_RIM = 1 / 8

# Two clean tones have less than this share of their variance within the tones. A bold digit that
# fills its crop, on flat paper, has; a shadow does not unless it covers much of the rim.
_CLEAN_TONES = 0.22
_PAPER_ON_RIM = 0.67
_PURE_RIM = 0.97
_BITONAL = 0.004
# A stroke meets the rim twice; a digit that fills the crop does so at three places or more.
_RIM_CHANGES = 6
# A region this wide, as a share of the shorter side, is a shadow rather than a stroke.
_SHADOW_WIDTH = 0.33
# Flat paper differs between the quarters of the picture by less than this share of the contrast, in
# quarters where this share is paper.
_FLAT_SPREAD, _LEAST_PAPER = 0.21, 0.08
# A picture so narrow, as a share of its length, is the crop of a 1.
_NARROW = 0.4

# Pictures with fewer pixels across than these are too small to follow uneven light in: first any,
# then a shadow with an edge.
_UNEVEN_SIDE = 20
_SHADOW_SIDE = 28

# A surface fitted to light without edges leaves all ink on one side (1).
_ONE_SIDED = 0.8
# It fits a page without ink if it misses it by fewer grey levels than this.
_FITS = 3.0
_GRID = 16
_RIDGE = 1e-6

# Closing removes strokes narrower than this share of the shorter side.
_CLOSING = 0.2

_WHITE = 255

# Light on the paper below this grey level is not divided by: it has too few levels.
_LEAST_LIGHT = np.uint8(40)


class PaperKind(StrEnum):
    """The light on the paper: one level, a smooth slope, or the edge of a shadow."""

    PLAIN = "plain"
    UNEVEN = "uneven"
    SHADOW = "shadow"


class Paper(NamedTuple):
    """The background of the ink.

    Attributes:
        level: its grey level; uint8 [height, width] where the light is uneven.
        dark: it is darker than the ink.
        noise: standard deviation of its grey levels.
        closing: side in pixels of the closing that found it; 0 for the other methods.
    """

    level: float | Picture
    dark: bool
    noise: float
    closing: int = 0

    @property
    def kind(self) -> PaperKind:
        """What the light on it is like."""
        if isinstance(self.level, float):
            return PaperKind.PLAIN
        return PaperKind.SHADOW if self.closing else PaperKind.UNEVEN


def reduced(picture: Picture, side: int = WORKING_SIDE) -> tuple[Picture, int]:
    """Average squares of pixels of `picture`, so that its longer side has `side` at most (3 us).

    Returns:
        The reduced picture and the side of a square.
    """
    height, width = picture.shape
    factor = -(-max(height, width) // side)
    if factor == 1:
        return picture, 1
    step = factor // _SAMPLES if factor >= _SAMPLED_FACTOR else 1
    picture = picture[::step, ::step]
    return averaged(picture, factor // step), factor // step * step


def averaged(picture: Picture, side: int) -> Picture:
    """Average squares of `side` x `side` pixels, without a remainder at the right and bottom."""
    if side == 1:
        return picture
    height, width = picture.shape
    size = max(1, width // side), max(1, height // side)
    if height >= side and width >= side:
        picture = picture[: size[1] * side, : size[0] * side]
    return as_picture(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def otsu(picture: Picture) -> tuple[float, Picture]:
    """Return Otsu's threshold of `picture`, and uint8 1 where pixels are above it."""
    threshold, light = cv2.threshold(picture, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return threshold, as_picture(light)


def find_paper(picture: Picture, around: Paper | None = None) -> Paper:
    """Find the paper of a reduced `picture`, uint8 [height, width] (15 us if it is plain).

    Most paper is plain: its rim has one tone. Otherwise two clean tones are ink on flat paper, a
    smooth surface follows light that falls off, and a morphological closing follows the edge of a
    shadow; there, ink is assumed to be dark.

    Args:
        picture: the reduced picture.
        around: the paper of the larger picture from which it was cut; if that is plain or in
            shadow, so is this.
    """
    threshold, light = otsu(picture)
    rim = _rim(picture)
    mean, deviation = mean_and_deviation(rim)
    tones = _Tones.of(picture, light)
    low, high, _, _ = cv2.minMaxLoc(rim)
    if (low > threshold or high <= threshold) and deviation < _PLAIN_RIM * tones.contrast:
        return Paper(mean, high <= threshold, deviation)
    if around is not None and (not around.closing or min(picture.shape) >= _SHADOW_SIDE):
        return _continued(around, picture, light)
    lit = rim > threshold
    share = np.count_nonzero(lit) / lit.size
    corners = int(light[0, 0]) + int(light[0, -1]) + int(light[-1, 0]) + int(light[-1, -1])
    # Rim, corners and area vote on which of the two tones is the paper's.
    dark = bool(2 * share + tones.share + corners / 2 < 2.5)
    if _is_flat(picture, light, lit, tones, dark=dark):
        return _flat_paper(rim, lit, tones, dark=dark)
    surface, sidedness, residual = _smooth_surface(picture)
    if abs(sidedness) > _ONE_SIDED or residual < _FITS:
        dark = sidedness > _ONE_SIDED
        return Paper(surface, dark, _noise_beyond(picture, surface, dark=dark))
    if min(picture.shape) < _SHADOW_SIDE:
        return _flat_paper(rim, lit, tones, dark=dark)
    return _closed(picture)


def _continued(around: Paper, picture: Picture, light: Picture) -> Paper:
    if isinstance(around.level, float):
        own = 1 - light if around.dark else light
        return around._replace(noise=mean_and_deviation(picture, own)[1])
    if around.closing:
        return _closed(picture)
    level = as_picture(cv2.resize(around.level, picture.shape[::-1]))
    return Paper(level, around.dark, _noise_beyond(picture, level, dark=around.dark))


class _Tones(NamedTuple):
    # The two tones of a picture: their levels, how much of their variance is within them, and how
    # many pixels are light.
    light: float
    dark: float
    within: float
    share: float

    @property
    def contrast(self) -> float:
        return self.light - self.dark

    @classmethod
    def of(cls, picture: Picture, light: Picture) -> "_Tones":
        high, high_deviation = mean_and_deviation(picture, light)
        low, low_deviation = mean_and_deviation(picture, 1 - light)
        share = cv2.countNonZero(light) / light.size
        within = share * high_deviation**2 + (1 - share) * low_deviation**2
        between = share * (1 - share) * (high - low) ** 2
        return cls(high, low, within / (within + between) if between else 1.0, share)


def mean_and_deviation(values: Picture, mask: Picture | None = None) -> tuple[float, float]:
    """Return the mean and the standard deviation of `values`, where `mask` is not 0."""
    mean, deviation = cv2.meanStdDev(values, mask=mask)
    return float(mean[0, 0]), float(deviation[0, 0])


def _rim(picture: Picture) -> Picture:
    # Once around.
    return np.concatenate((picture[0], picture[:, -1], picture[-1, ::-1], picture[::-1, 0]))


def _is_flat(
    picture: Picture, light: Picture, lit: NDArray[np.bool_], tones: _Tones, *, dark: bool
) -> bool:
    if tones.within > _CLEAN_TONES:
        return False
    shorter, longer = sorted(light.shape)
    if tones.within < _BITONAL or shorter < _UNEVEN_SIDE:
        return True
    paper, ink = (1 - light, light) if dark else (light, 1 - light)
    if _spread(picture, paper) > _FLAT_SPREAD * tones.contrast:
        return False
    paper_on_rim = np.count_nonzero(lit != dark) / lit.size
    return bool(
        np.count_nonzero(lit[1:] != lit[:-1]) >= _RIM_CHANGES
        or paper_on_rim > _PURE_RIM
        or (paper_on_rim > _PAPER_ON_RIM and (shorter < _NARROW * longer or not _has_core(ink)))
    )


def _spread(picture: Picture, paper: Picture) -> float:
    # The largest difference between the paper's levels in the quarters of the picture.
    middle, centre = picture.shape[0] // 2, picture.shape[1] // 2
    levels = [
        cv2.mean(picture[quarter], paper[quarter])[0]
        for quarter in (
            np.s_[:middle, :centre],
            np.s_[:middle, centre:],
            np.s_[middle:, :centre],
            np.s_[middle:, centre:],
        )
        if cv2.countNonZero(paper[quarter]) >= _LEAST_PAPER * paper[quarter].size
    ]
    return max(levels) - min(levels) if levels else 0.0


def _has_core(ink: Picture) -> bool:
    side = max(3, int(_SHADOW_WIDTH * min(ink.shape)))
    core = cv2.erode(ink, np.ones((side, side), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return cv2.countNonZero(core) > 0


def _flat_paper(rim: Picture, lit: NDArray[np.bool_], tones: _Tones, *, dark: bool) -> Paper:
    paper = rim[lit != dark]
    if len(paper) <= 8:
        return Paper(tones.dark if dark else tones.light, dark, 3.0)
    return Paper(float(np.median(paper)), dark, float(paper.std()))


_Y, _X = (axis.ravel() for axis in np.mgrid[-1 : 1 : _GRID * 1j, -1 : 1 : _GRID * 1j])
_CURVE = np.column_stack([np.ones_like(_X), _X, _Y, _X * _X, _X * _Y, _Y * _Y])
_SLOPE = np.ascontiguousarray(_CURVE[:, :3])
_FIRST_SLOPE = np.linalg.pinv(_SLOPE)
_RIDGES = _RIDGE * np.eye(_CURVE.shape[1])


def _smooth_surface(picture: Picture) -> tuple[Picture, float, float]:
    # A slope, then a curve, each fitted again to the pixels near it, so that ink drops out. Returns
    # the surface; the side on which other pixels lie, 1 for lighter and -1 for darker; the error.
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
    levels = np.clip(np.rint(surface), 0, _WHITE).astype(np.uint8).reshape(_GRID, _GRID)
    whole = cv2.resize(levels, picture.shape[::-1], interpolation=cv2.INTER_LINEAR)
    sidedness = float(difference @ distance) / energy if energy else 0.0
    return as_picture(whole), sidedness, math.sqrt(energy / values.size)


def _closed(picture: Picture) -> Paper:
    side = max(5, int(_CLOSING * min(picture.shape))) | 1
    # OpenCV's own border would raise the paper along the rim.
    wide = cv2.copyMakeBorder(picture, side, side, side, side, cv2.BORDER_REPLICATE)
    square = np.ones((side, side), np.uint8)
    closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, square)[side:-side, side:-side]
    # Noise lifts a closing; half of the paper's pixels lie above it again once its median is off.
    bias = int(np.median(cv2.subtract(closed, picture)))
    level = as_picture(cv2.subtract(closed, np.full_like(closed, bias)))
    return Paper(level, False, _noise_beyond(picture, level, dark=False), side)


def _noise_beyond(picture: Picture, level: Picture, *, dark: bool) -> float:
    # Half of the paper's pixels lie on the side without ink, 0.8 deviations away on average. Twice
    # that leaves room for glare and grain.
    beyond = cv2.subtract(level, picture) if dark else cv2.subtract(picture, level)
    return 4.0 * float(cv2.mean(beyond)[0])


def contrast(picture: Picture, paper: Paper) -> Picture:
    """Return the contrast of ink: 0 for paper, 255 for black on white (5 us).

    In uneven light, dark ink is measured as a share of the light, so ink in a shadow counts in
    full.
    """
    if isinstance(paper.level, float):
        return as_picture(cv2.LUT(picture, _table(round(paper.level), paper.dark)))
    if paper.dark:
        return as_picture(cv2.subtract(picture, paper.level))
    light = np.maximum(paper.level, _LEAST_LIGHT)
    return as_picture(cv2.divide(cv2.subtract(paper.level, picture), light, scale=_WHITE))


def noise_of(paper: Paper) -> float:
    """Return the noise of `paper` in the unit of `contrast`."""
    if isinstance(paper.level, float) or paper.dark:
        return paper.noise
    return paper.noise * _WHITE / max(float(cv2.mean(paper.level)[0]), float(_LEAST_LIGHT))


@lru_cache(maxsize=512)
def _table(level: int, dark: bool) -> Picture:
    values = np.arange(256, dtype=np.float64)
    difference = values - level if dark else level - values
    return np.clip(np.rint(difference), 0, _WHITE).astype(np.uint8)
