"""Distortions of digits of 28x28 pixels, white on black.

After MNIST-C: Mu and Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", 2019
(arXiv:1906.02337, github.com/google-research/mnist-c), and Hendrycks and Dietterich, "Benchmarking
Neural Network Robustness to Common Corruptions and Perturbations", ICLR 2019. The ideas are
theirs, but the pictures are not, so figures cannot be compared. MNIST-C's data set has one severity
of each, and contrast, focus blur and JPEG in its code only. Other differences:

- Motion blur follows a straight path of 3 to 6 pixels; theirs is ImageMagick's, and longer.
- Focus blur ends at a disc of 2.5 pixels; their smallest has 3.
- Glass blur copies pixels from neighbours; theirs swaps them.
- Fog has their amounts and decays, but octaves of noise instead of diamond-square.
- Spatter covers a given share of the image; theirs covers what thresholds leave.
- A zigzag turns every 2 columns, not every 4; edges are OpenCV's Canny, not scikit-image's.
- There are one to three dotted lines, not one; stripes are narrower, up to their 7 columns.

Functions take an image uint8 [28, 28], a level and a random generator.
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
_CLOUDS = 256  # side in pixels of the clouds of which MNIST-C's fog is a corner


def rotate(image: Image, degrees: float, random: Random) -> Image:
    """Turn by `degrees`, left or right."""
    angle = np.radians(degrees) * _sign(random)
    return _warped(image, [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def shear(image: Image, slope: float, random: Random) -> Image:
    """Slant by `slope`, left or right."""
    return _warped(image, [[1, slope * _sign(random)], [0, 1]])


def shrink(image: Image, scale: float, random: Random) -> Image:
    """Shrink around the centre."""
    return _warped(image, [[1 / scale, 0], [0, 1 / scale]])


def shift(image: Image, pixels: float, random: Random) -> Image:
    """Move along both axes; what leaves the image is lost."""
    move = np.array([[1, 0, pixels * _sign(random)], [0, 1, pixels * _sign(random)]], np.float32)
    return cv2.warpAffine(image, move, (SIDE, SIDE))


def add_shot_noise(image: Image, photons: float, random: Random) -> Image:
    """Simulate a sensor that counts this many photons for white."""
    return _as_image(random.poisson(image / 255 * photons) / photons * 255)


def add_impulse_noise(image: Image, share: float, random: Random) -> Image:
    """Set this share of the pixels to black or white."""
    hit = random.random(image.shape) < share
    return np.where(hit, random.choice([0, 255], image.shape), image).astype(np.uint8)


def blur_by_motion(image: Image, length: float, random: Random) -> Image:
    """Blur along `length` pixels at up to 45 degrees."""
    angle = np.radians(random.uniform(-45, 45))
    path = np.zeros((15, 15), np.float32)
    for offset in np.linspace(-length / 2, length / 2, 33):
        to_middle = np.array(
            [[1, 0, 7 + offset * np.cos(angle)], [0, 1, 7 + offset * np.sin(angle)]]
        )
        path += cv2.warpAffine(np.ones((1, 1), np.float32), to_middle, path.shape)
    return cv2.filter2D(image, -1, path / path.sum())


def blur_by_glass(image: Image, rounds: float, random: Random) -> Image:
    """Blur, take half the pixels from a neighbour `rounds` times, and blur again."""
    changed = cv2.GaussianBlur(image, (0, 0), 0.7)
    y, x = np.mgrid[:SIDE, :SIDE]
    for _ in range(int(rounds)):
        moved = random.random(image.shape) < 0.5
        down, right = random.integers(-1, 2, (2, SIDE, SIDE)) * moved
        changed = changed[np.clip(y + down, 0, SIDE - 1), np.clip(x + right, 0, SIDE - 1)]
    return cv2.GaussianBlur(changed, (0, 0), 0.7)


def defocus(image: Image, radius: float, random: Random) -> Image:
    """Spread every point over a disc of `radius` pixels."""
    fine = 16
    disc = np.zeros((9 * fine, 9 * fine), np.float32)
    cv2.circle(disc, (4 * fine + fine // 2,) * 2, round(radius * fine), 1.0, -1)
    kernel = cv2.resize(disc, (9, 9), interpolation=cv2.INTER_AREA)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def brighten(image: Image, by: float, random: Random) -> Image:
    """Brighten by this share of white: black becomes grey, ink saturates."""
    return _as_image(image + by * 255.0)


def fade(image: Image, contrast: float, random: Random) -> Image:
    """Reduce the contrast around the mean to this share."""
    mean = image.mean()
    return _as_image((image - mean) * contrast + mean)


def add_fog(image: Image, severity: float, random: Random) -> Image:
    """Add fog of MNIST-C's `severity` 1, 3 or 5, 1.5 to 3 times as bright as the ink."""
    amount, decay = _FOG[int(severity)]
    return _as_image((image + amount * 255 * _plasma(random, decay)) / (1 + amount))


def add_stripes(image: Image, width: float, random: Random) -> Image:
    """Invert `width` columns at the left and at the right."""
    changed = image.copy()
    for columns in (slice(0, int(width)), slice(SIDE - int(width), SIDE)):
        changed[:, columns] = 255 - changed[:, columns]
    return changed


def add_spatter(image: Image, share: float, random: Random) -> Image:
    """Cover this share with grey mud that hides the ink."""
    drops = cv2.GaussianBlur(random.standard_normal(image.shape), (0, 0), 1.0)
    mud = cv2.GaussianBlur((drops > np.quantile(drops, 1 - share)).astype(np.float64), (0, 0), 0.5)
    return _as_image(image * (1 - mud) + _MUD * mud)


def add_dotted_lines(image: Image, lines: float, random: Random) -> Image:
    """Add dotted lines from side to side."""
    changed = image.astype(np.float64)
    dots = (np.arange(SIDE) // 2 % 2).astype(np.float64)
    for _ in range(int(lines)):
        left, right = random.integers(0, SIDE - 1, 2)
        changed += 255 * dots * _line((0, float(left)), (SIDE - 1, float(right)))
    return _as_image(changed)


def add_zigzag(image: Image, brightness: float, random: Random) -> Image:
    """Add a zigzag line of this share of the ink's brightness."""
    start = random.integers(0, SIDE - 1)
    slope = random.integers(-5, 5) / 23
    columns = np.arange(2, 27, 2)
    rows = (
        start + slope * (columns - 2) + 2 * np.array([0, *([1, -1] * len(columns))])[: len(columns)]
    )
    points = list(zip(columns.tolist(), rows.tolist(), strict=True))
    pieces = [_line(*ends) for ends in pairwise(points)]
    return _as_image(image + 255 * brightness * np.max(pieces, axis=0))


def keep_edges(image: Image, blur: float, random: Random) -> Image:
    """Keep Canny's edges after a blur of this standard deviation."""
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
    """Return clouds from 0 to 1: octaves of noise, each finer and weaker."""
    clouds = np.zeros((_CLOUDS, _CLOUDS))
    for octave in range(8):
        noise = random.uniform(-1, 1, (2 ** (octave + 1),) * 2)
        # MNIST-C's code multiplies the swing with itself, so that it fades by the decay's square.
        clouds += cv2.resize(noise, clouds.shape) / decay ** (2 * octave)
    top, left = random.integers(0, _CLOUDS - SIDE, 2)
    part = clouds[top : top + SIDE, left : left + SIDE]
    return (part - clouds.min()) / np.ptp(clouds)


def _line(start: tuple[float, float], stop: tuple[float, float]) -> NDArray[np.float64]:
    """Return MNIST-C's line between two points (column, row): 0 to 1, fading by a logarithm."""
    (left, top), (right, bottom) = start, stop
    columns, rows = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    middle = top + (bottom - top) / (right - left) * (columns - left)
    distance = np.clip(np.abs(rows - middle), 0, _LINE_REACH - 1e-9)
    line = np.clip(np.log(1 - distance / _LINE_REACH) + 1, 0, 1)
    return np.where((columns >= int(left)) & (columns < np.ceil(right)), line, 0.0)
