"""Digits of 28x28 pixels, spoilt: white on black in, white on black out.

After MNIST-C: Mu and Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", 2019
(arXiv:1906.02337, github.com/google-research/mnist-c), and Hendrycks and Dietterich, "Benchmarking
Neural Network Robustness to Common Corruptions and Perturbations", ICLR 2019. The ideas are
theirs; the pictures are not, and figures cannot be compared. MNIST-C's data set has one severity of
each, without contrast, focus blur and JPEG, which are in its code only. Besides:

- Motion blur follows a straight path of 3 to 6 pixels; theirs is ImageMagick's, and longer.
- Focus blur ends at a disc of 2.5 pixels, where their least has 3.
- Glass blur copies pixels from neighbours, where theirs swaps them.
- Fog has the amounts and decays of theirs, but octaves of noise in place of diamond-square.
- Mud covers a given share of the image, where theirs is what is left by thresholds.
- A zigzag turns every 2 columns, not every 4; the mild ones are fainter.
- Edges are found by OpenCV's Canny, not by scikit-image's.
- Dotted lines are one to three, where theirs is one; stripes are narrower, up to their 7 columns.

Every function takes an image uint8 [28, 28], a level and a source of randomness.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # [28, 28], white ink (255) on black (0)
Random = np.random.Generator

SIDE = 28
_MIDDLE = (SIDE - 1) / 2
_LINE_REACH = 2.3  # pixels from its middle at which a line of MNIST-C has faded
_MUD = 63  # grey level of MNIST-C's spatter
_FOG = {1: (1.5, 2.0), 3: (2.5, 1.7), 5: (3.0, 1.4)}  # amount and decay by MNIST-C's severity
_CLOUDS = 256  # side in pixels of the sky of which MNIST-C's fog is a corner


def rotated(image: Image, degrees: float, random: Random) -> Image:
    """Turned by `degrees`, to the left or to the right."""
    angle = np.radians(degrees) * _sign(random)
    return _warped(image, [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def sheared(image: Image, slope: float, random: Random) -> Image:
    """Slanted by `slope`, to the left or to the right."""
    return _warped(image, [[1, slope * _sign(random)], [0, 1]])


def shrunk(image: Image, scale: float, random: Random) -> Image:
    """Smaller, around the middle."""
    return _warped(image, [[1 / scale, 0], [0, 1 / scale]])


def shifted(image: Image, pixels: float, random: Random) -> Image:
    """Moved along both axes by so many pixels; what leaves the image is lost."""
    move = np.array([[1, 0, pixels * _sign(random)], [0, 1, pixels * _sign(random)]], np.float32)
    return cv2.warpAffine(image, move, (SIDE, SIDE))


def shot_noise(image: Image, photons: float, random: Random) -> Image:
    """As a sensor sees it that counts so many photons for white."""
    return _as_image(random.poisson(image / 255 * photons) / photons * 255)


def impulse_noise(image: Image, share: float, random: Random) -> Image:
    """This share of the pixels black or white."""
    hit = random.random(image.shape) < share
    return np.where(hit, random.choice([0, 255], image.shape), image).astype(np.uint8)


def motion_blurred(image: Image, length: float, random: Random) -> Image:
    """Moved while the shutter was open, by `length` pixels at up to 45 degrees."""
    angle = np.radians(random.uniform(-45, 45))
    path = np.zeros((15, 15), np.float32)
    for place in np.linspace(-length / 2, length / 2, 33):
        to_middle = np.array([[1, 0, 7 + place * np.cos(angle)], [0, 1, 7 + place * np.sin(angle)]])
        path += cv2.warpAffine(np.ones((1, 1), np.float32), to_middle, path.shape)
    return cv2.filter2D(image, -1, path / path.sum())


def glass_blurred(image: Image, rounds: float, random: Random) -> Image:
    """Through frosted glass: blurred, half the pixels taken from a neighbour, blurred."""
    changed = cv2.GaussianBlur(image, (0, 0), 0.7)
    y, x = np.mgrid[:SIDE, :SIDE]
    for _ in range(int(rounds)):
        moved = random.random(image.shape) < 0.5
        down, right = random.integers(-1, 2, (2, SIDE, SIDE)) * moved
        changed = changed[np.clip(y + down, 0, SIDE - 1), np.clip(x + right, 0, SIDE - 1)]
    return cv2.GaussianBlur(changed, (0, 0), 0.7)


def out_of_focus(image: Image, radius: float, random: Random) -> Image:
    """Every point a disc of `radius` pixels."""
    fine = 16
    disc = np.zeros((9 * fine, 9 * fine), np.float32)
    cv2.circle(disc, (4 * fine + fine // 2,) * 2, round(radius * fine), 1.0, -1)
    kernel = cv2.resize(disc, (9, 9), interpolation=cv2.INTER_AREA)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def brightened(image: Image, by: float, random: Random) -> Image:
    """Brighter by this share of white: the black is grey, the ink saturates."""
    return _as_image(image + by * 255.0)


def faded(image: Image, contrast: float, random: Random) -> Image:
    """Drawn together around its mean, to this share of its contrast."""
    mean = image.mean()
    return _as_image((image - mean) * contrast + mean)


def fogged(image: Image, severity: float, random: Random) -> Image:
    """Behind fog of MNIST-C's `severity` 1, 3 or 5: its light is 1.5 to 3 times the ink's."""
    amount, decay = _FOG[int(severity)]
    return _as_image((image + amount * 255 * _plasma(random, decay)) / (1 + amount))


def striped(image: Image, width: float, random: Random) -> Image:
    """Inverted in `width` columns at the left and at the right."""
    changed = image.copy()
    for columns in (slice(0, int(width)), slice(SIDE - int(width), SIDE)):
        changed[:, columns] = 255 - changed[:, columns]
    return changed


def spattered(image: Image, share: float, random: Random) -> Image:
    """Mud on this share of it: grey, and hiding the ink."""
    drops = cv2.GaussianBlur(random.standard_normal(image.shape), (0, 0), 1.0)
    mud = cv2.GaussianBlur((drops > np.quantile(drops, 1 - share)).astype(np.float64), (0, 0), 0.5)
    return _as_image(image * (1 - mud) + _MUD * mud)


def crossed_by_dots(image: Image, lines: float, random: Random) -> Image:
    """With so many dotted lines across it."""
    changed = image.astype(np.float64)
    dots = (np.arange(SIDE) // 2 % 2).astype(np.float64)
    for _ in range(int(lines)):
        left, right = random.integers(0, SIDE - 1, 2)
        changed += 255 * dots * _line((0, float(left)), (SIDE - 1, float(right)))
    return _as_image(changed)


def crossed_by_zigzag(image: Image, brightness: float, random: Random) -> Image:
    """With a zigzag line across it, of this share of the ink's brightness."""
    start = random.integers(0, SIDE - 1)
    slope = random.integers(-5, 5) / 23
    columns = np.arange(2, 27, 2)
    rows = (
        start + slope * (columns - 2) + 2 * np.array([0, *([1, -1] * len(columns))])[: len(columns)]
    )
    points = list(zip(columns.tolist(), rows.tolist(), strict=True))
    pieces = [_line(*ends) for ends in pairwise(points)]
    return _as_image(image + 255 * brightness * np.max(pieces, axis=0))


def edges_only(image: Image, blur: float, random: Random) -> Image:
    """Canny's edges, after a blur of this standard deviation."""
    return cv2.Canny(cv2.GaussianBlur(image, (0, 0), blur), 50, 100)


def _sign(random: Random) -> int:
    return int(random.choice([-1, 1]))


def _as_image(values: NDArray[np.floating]) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _warped(image: Image, to_source: list[list[float]]) -> Image:
    matrix = np.array(to_source, np.float64)
    offset = _MIDDLE - matrix @ [_MIDDLE, _MIDDLE]
    affine = np.column_stack([matrix, offset])
    return cv2.warpAffine(
        image, affine, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )


def _plasma(random: Random, decay: float) -> NDArray[np.float64]:
    """Part of a sky of clouds from 0 to 1: octaves of noise, each finer and weaker."""
    clouds = np.zeros((_CLOUDS, _CLOUDS))
    for octave in range(8):
        noise = random.uniform(-1, 1, (2 ** (octave + 1),) * 2)
        # MNIST-C's code multiplies the swing with itself, so that it fades by the decay's square.
        clouds += cv2.resize(noise, clouds.shape) / decay ** (2 * octave)
    top, left = random.integers(0, _CLOUDS - SIDE, 2)
    part = clouds[top : top + SIDE, left : left + SIDE]
    return (part - clouds.min()) / np.ptp(clouds)


def _line(start: tuple[float, float], stop: tuple[float, float]) -> NDArray[np.float64]:
    """MNIST-C's line between two points (column, row), from 0 to 1: it fades by a logarithm."""
    (left, top), (right, bottom) = start, stop
    columns, rows = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    middle = top + (bottom - top) / (right - left) * (columns - left)
    distance = np.clip(np.abs(rows - middle), 0, _LINE_REACH - 1e-9)
    line = np.clip(np.log(1 - distance / _LINE_REACH) + 1, 0, 1)
    return np.where((columns >= int(left)) & (columns < np.ceil(right)), line, 0.0)
