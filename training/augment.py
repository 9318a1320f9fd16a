"""Augmentation: digits as other writers, pens and scanners would have made them.

Every function maps images uint8 [N, 28, 28], white ink on black. The order follows the world: the
writer bends the shape, the pen sets the thickness, paper and scanner degrade the picture.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist import Images

SIDE = 28
_ELASTIC_KNOTS = 6


@dataclass(frozen=True)
class Augmentation:
    """Strength of each change, 0 for none; rates are shares of the images."""

    rotation: float = 0.0  # degrees, in both directions
    scale: float = 0.0
    stretch: float = 0.0  # of one axis against the other
    shear: float = 0.0
    shift: float = 0.0  # pixels
    elastic: float = 0.0  # pixels, standard deviation at the knots
    thickness_rate: float = 0.0
    erasure_rate: float = 0.0
    corruption_rate: float = 0.0
    junk_rate: float = 0.0  # share of digits replaced by pictures without one
    negative_rate: float = 0.0  # ... by written characters that are no digits
    chimera_rate: float = 0.0  # ... by what is made of digits and is none
    picture_rate: float = 0.0  # share of digits shown as the service cut them out of a page


def augment(images: Images, settings: Augmentation, random: np.random.Generator) -> Images:
    """Return a changed copy of each image."""
    changed = warp(images, settings, random)
    for index in np.flatnonzero(random.random(len(images)) < settings.thickness_rate):
        changed[index] = _change_thickness(changed[index], random)
    for index in np.flatnonzero(random.random(len(images)) < settings.erasure_rate):
        _erase(changed[index], random)
    for index in np.flatnonzero(random.random(len(images)) < settings.corruption_rate):
        corrupt = _CORRUPTIONS[random.integers(len(_CORRUPTIONS))]
        changed[index] = np.clip(corrupt(changed[index].astype(np.float32), random), 0, 255)
    return changed


def warp(images: Images, settings: Augmentation, random: np.random.Generator) -> Images:
    """Rotate, scale, shear, shift and bend each image, in one interpolation.

    Elastic distortion after Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural
    Networks Applied to Visual Document Analysis", ICDAR 2003, with cubic waves between coarse knots
    instead of filtered noise.
    """
    count = len(images)
    centre = (SIDE - 1) / 2
    axis = np.arange(SIDE, dtype=np.float32) - centre
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    affine = _affine(count, settings, random).astype(np.float32)
    shift = random.uniform(-settings.shift, settings.shift, (count, 1, 1, 2))
    sources = np.einsum("nij,hwj->nhwi", affine, grid, optimize=True)
    sources += (shift + centre).astype(np.float32)
    knots = random.standard_normal((count, _ELASTIC_KNOTS, _ELASTIC_KNOTS, 2), dtype=np.float32)
    knots *= settings.elastic
    sources += np.einsum("hi,wj,nijc->nhwc", _WAVES, _WAVES, knots, optimize=True)
    return np.stack(
        [
            cv2.remap(image, positions, None, cv2.INTER_LINEAR)
            for image, positions in zip(images, sources, strict=True)
        ]
    )


def _affine(count: int, settings: Augmentation, random: np.random.Generator) -> NDArray[np.float64]:
    """Return matrices [N, 2, 2] from positions in the new image to positions in the old one."""
    angle = np.radians(random.uniform(-settings.rotation, settings.rotation, count))
    scale = np.exp(random.uniform(-settings.scale, settings.scale, count))
    stretch = np.exp(random.uniform(-settings.stretch, settings.stretch, count))
    shear = random.uniform(-settings.shear, settings.shear, count)
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    shape = np.array([[scale * stretch, shear], [np.zeros(count), scale / stretch]])
    return np.einsum("ijn,jkn->nik", rotation, shape)


def _interpolation() -> NDArray[np.float32]:
    """Return the matrix [28, knots] of a cubic interpolation between the knots."""
    identity = np.eye(_ELASTIC_KNOTS, dtype=np.float32)
    return cv2.resize(identity, (_ELASTIC_KNOTS, SIDE), interpolation=cv2.INTER_CUBIC)


_WAVES = _interpolation()
_KERNELS = (np.ones((2, 2), np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))


def _change_thickness(image: Images, random: np.random.Generator) -> Images:
    kernel = _KERNELS[random.integers(len(_KERNELS))]
    operation = cv2.dilate if random.random() < 0.5 else cv2.erode
    changed = operation(image, kernel)
    # Erosion would remove a thin stroke.
    if changed.sum() < 0.5 * image.sum():
        return image
    share = random.uniform(0.3, 1.0)
    return cv2.addWeighted(changed, share, image, 1 - share, 0)


def _erase(image: Images, random: np.random.Generator) -> None:
    height, width = random.integers(2, 6, 2)
    top, left = random.integers(4, SIDE - 8, 2)
    image[top : top + height, left : left + width] = 0


Pixels = NDArray[np.float32]  # [28, 28], 0 to 255


def _gaussian_noise(image: Pixels, random: np.random.Generator) -> Pixels:
    return image + random.normal(0, random.uniform(8, 45), image.shape)


def _impulse_noise(image: Pixels, random: np.random.Generator) -> Pixels:
    degraded = image.copy()
    share = random.uniform(0.01, 0.08)
    degraded[random.random(image.shape) < share] = 255
    degraded[random.random(image.shape) < share] = 0
    return degraded


def _focus_blur(image: Pixels, random: np.random.Generator) -> Pixels:
    return cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 1.4))


def _motion_blur(image: Pixels, random: np.random.Generator) -> Pixels:
    size = int(random.integers(3, 7))
    kernel = np.zeros((size, size), np.float32)
    kernel[size // 2] = 1
    turn = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), random.uniform(0, 180), 1)
    kernel = cv2.warpAffine(kernel, turn, (size, size))
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def _contrast(image: Pixels, random: np.random.Generator) -> Pixels:
    return image * random.uniform(0.35, 1.0) + random.uniform(0, 60)


def _fog(image: Pixels, random: np.random.Generator) -> Pixels:
    coarse = random.uniform(0, random.uniform(30, 110), (4, 4)).astype(np.float32)
    haze = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.maximum(image, haze)


def _line(image: Pixels, random: np.random.Generator) -> Pixels:
    degraded = image.copy()
    ends = random.integers(-4, SIDE + 4, (2, 2))
    ends[0, 0], ends[1, 0] = -4, SIDE + 4
    if random.random() < 0.5:
        ends = ends[:, ::-1]
    ink = float(random.uniform(80, 255))
    cv2.line(degraded, ends[0].tolist(), ends[1].tolist(), ink, 1, cv2.LINE_AA)
    return degraded


def _zigzag(image: Pixels, random: np.random.Generator) -> Pixels:
    columns = np.arange(-2, SIDE + 4, int(random.integers(2, 5)))
    middle, slope = random.uniform(6, 22), random.uniform(-0.3, 0.3)
    swing = np.where(np.arange(len(columns)) % 2, 1, -1) * random.uniform(0.5, 3)
    path = np.stack([columns, middle + slope * (columns - SIDE / 2) + swing], axis=1)
    path = path if random.random() < 0.7 else path[:, ::-1]
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    ink = int(random.uniform(60, 255))
    cv2.polylines(drawn, [np.rint(path * 16).astype(np.int32)], False, ink, 1, cv2.LINE_AA, shift=4)
    return _maybe_smaller(np.maximum(image, drawn), random)


def _dotted_line(image: Pixels, random: np.random.Generator) -> Pixels:
    degraded = image.copy()
    columns = np.arange(0, SIDE, int(random.integers(2, 5)))
    middle, slope = random.uniform(4, 24), random.uniform(-0.6, 0.6)
    rows = np.rint(middle + slope * (columns - SIDE / 2)).astype(int) % SIDE
    degraded[rows, columns] = random.uniform(80, 255, len(columns))
    return _maybe_smaller(degraded, random)


def _edges(image: Pixels, random: np.random.Generator) -> Pixels:
    soft = cv2.GaussianBlur(image, (0, 0), random.uniform(0.3, 1.2))
    found = cv2.Canny(np.clip(soft, 0, 255).astype(np.uint8), 50, random.uniform(80, 200))
    return _maybe_smaller(found.astype(np.float32), random)


def _maybe_smaller(image: Pixels, random: np.random.Generator) -> Pixels:
    # Ink beyond the digit makes the digit smaller when everything is scaled into the box.
    if random.random() < 0.4:
        return image
    turn = cv2.getRotationMatrix2D(((SIDE - 1) / 2, (SIDE - 1) / 2), 0, random.uniform(0.7, 1.0))
    turn[:, 2] += random.uniform(-1.5, 1.5, 2)
    return cv2.warpAffine(image, turn, (SIDE, SIDE))


def _dots(image: Pixels, random: np.random.Generator) -> Pixels:
    degraded = image.copy()
    for x, y in random.integers(0, SIDE, (int(random.integers(2, 9)), 2)).tolist():
        cv2.circle(degraded, (x, y), int(random.integers(0, 2)), float(random.uniform(80, 255)), -1)
    return degraded


def _coarse_scan(image: Pixels, random: np.random.Generator) -> Pixels:
    side = int(random.integers(10, 20))
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def _bitonal(image: Pixels, random: np.random.Generator) -> Pixels:
    return np.where(image > random.uniform(60, 180), 255, 0).astype(np.float32)


_CORRUPTIONS = (
    _gaussian_noise,
    _impulse_noise,
    _focus_blur,
    _motion_blur,
    _contrast,
    _fog,
    _line,
    _zigzag,
    _dotted_line,
    _edges,
    _dots,
    _coarse_scan,
    _bitonal,
)
