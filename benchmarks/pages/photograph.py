"""Photograph a page: desk, perspective, shadow, blur, noise, JPEG, at three severities."""

from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.pages.draw import Corners
from benchmarks.robustness.conditions import jpeg
from benchmarks.robustness.pages import Page, finished, paper, shadow
from training.reader.ink import Random

_WOOD = np.float32((0.95, 0.8, 0.65))  # red, green, blue


@dataclass(frozen=True)
class Severity:
    """What goes wrong at most.

    Attributes:
        name: what reports call it.
        turn: degrees.
        tilt: share of the page by which its corners move inwards.
        darkness: share of the light that a shadow takes.
        blur: standard deviation in thousandths of the picture's longer side.
        shake: length of the path of the camera, likewise.
        noise: standard deviation in grey levels.
        quality: of JPEG.
    """

    name: str
    turn: float
    tilt: float
    darkness: float
    blur: float
    shake: float
    noise: float
    quality: int


SEVERITIES = (
    Severity("mild", 3, 0.03, 0.2, 0.35, 0.5, 3, 85),
    Severity("medium", 10, 0.07, 0.4, 0.55, 1.5, 6, 70),
    Severity("severe", 25, 0.12, 0.6, 0.8, 3, 10, 45),
)


def photograph(
    page: Page, corners: Corners, severity: Severity, random: Random, side: int = 2000
) -> tuple[bytes, Corners]:
    """Photograph `page`, with `side` pixels on the longer side and three quarters on the other.

    Returns:
        A JPEG file, and where `corners` are on it, in pixels.
    """
    height, width = page.shape[:2]
    size = (side, 3 * side // 4) if width > height else (3 * side // 4, side)
    rim = np.float32([(0, 0), (width, 0), (width, height), (0, height)]) - 0.5
    view = cv2.getPerspectiveTransform(rim, _seen(rim, size, severity, random))
    desk = paper(random, *size[::-1]) * random.uniform(0.2, 0.7) * _WOOD
    seen = cv2.warpPerspective(page, view, size, flags=cv2.INTER_AREA)
    covered = cv2.warpPerspective(np.ones(page.shape[:2], np.float32), view, size)[..., None]
    photo = seen + desk * (1 - covered)
    photo *= shadow(photo, severity.darkness * random.uniform(0.5, 1), random)
    photo = cv2.GaussianBlur(photo, (0, 0), severity.blur * side / 1000 * random.uniform(0.6, 1))
    photo = cv2.filter2D(photo, -1, _path(severity.shake * side / 1000, random))
    file = jpeg(finished(photo, random, noise=severity.noise), severity.quality)
    return file, cv2.perspectiveTransform(corners[None] - 0.5, view)[0] + 0.5


def _seen(rim: Corners, size: tuple[int, int], severity: Severity, random: Random) -> Corners:
    """Tilt, turn, scale and shift the corners of the page to fit a picture of `size`."""
    centre = rim.mean(axis=0)
    seen = centre + (rim - centre) * (1 - random.uniform(0, 2 * severity.tilt, (4, 2)))
    angle = np.radians(random.uniform(-severity.turn, severity.turn))
    seen = seen @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    low, high = seen.min(axis=0), seen.max(axis=0)
    scale = (size / (high - low)).min() * random.uniform(0.85, 0.97)
    room = size - scale * (high - low)
    return np.float32((seen - low) * scale + room * random.uniform(0.1, 0.9, 2))


def _path(length: float, random: Random) -> np.ndarray:
    middle = int(np.ceil(length))
    path = np.zeros((2 * middle + 1, 2 * middle + 1), np.uint8)
    reach = length / 2 * np.array([np.cos(angle := random.uniform(0, np.pi)), np.sin(angle)])
    ends = [tuple(np.rint(16 * (middle + sign * reach)).astype(int).tolist()) for sign in (-1, 1)]
    cv2.line(path, *ends, 255, 1, cv2.LINE_AA, shift=4)
    return path / path.sum()
