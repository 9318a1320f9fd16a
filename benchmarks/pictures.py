"""Pictures of digits and fields, synthesised without a data set; always the same ones."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.pen import drawn_digits
from benchmarks.robustness import pages
from benchmarks.robustness.conditions import jpeg, png
from models.mnist import Images
from service.imaging import normalise

Grey = NDArray[np.uint8]  # [height, width]

_PAPER, _INK = (205, 250), (10, 70)  # ranges of grey levels
_GRAIN = 6
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
_FONT_SIDE = 21.0  # pixels: height and width of the fonts' digits at scale 1
_SHARE = 0.6  # of a picture's height that a digit takes
_DIGITS_PER_FIELD = 8


def draw_fields(count: int, height: int) -> list[bytes]:
    """Draw `count` PNG files of eight digits in a row, `height` pixels high."""
    random = np.random.default_rng(2)
    texts = ("".join(map(str, random.integers(0, 10, _DIGITS_PER_FIELD))) for _ in range(count))
    width = round(height * (1 + _SHARE * _DIGITS_PER_FIELD))
    return [png(_write(text, height, width, random)) for text in texts]


def mnist_images(count: int) -> Images:
    """Draw `count` digits in MNIST's form, uint8 [N, 28, 28]: the service leaves them unchanged."""
    return np.stack([normalise(image).image for image in drawn_digits(count, seed=1).images])


def small_drawings(count: int) -> list[bytes]:
    """Draw `count` PNG files of 28x28 pixels as a paint program does: any size, dark on white."""
    return [png(_on_white(image, 28, 2, random)) for image, random in _digits(count)]


def canvas_drawings(count: int) -> list[bytes]:
    """Draw `count` PNG files of 250x250 pixels as a web page's canvas does."""
    return [png(_on_white(image, 250, 20, random)) for image, random in _digits(count)]


def scans(count: int) -> list[bytes]:
    """Draw `count` JPEG files of 100x100 pixels: dark ink on light paper."""
    return [
        jpeg(_on_paper(image, (100, 100), 75, 0.15, random)) for image, random in _digits(count)
    ]


def photographs(count: int) -> list[bytes]:
    """Draw `count` JPEG files of 12 megapixels: a digit on unevenly lit paper."""
    size = (4000, 3000)
    return [jpeg(_on_paper(image, size, 900, 0.4, random)) for image, random in _digits(count)]


def _write(text: str, height: int, width: int, random: np.random.Generator) -> Grey:
    picture = np.full((height, width), random.integers(*_PAPER), np.uint8)
    scale = _SHARE * height / _FONT_SIDE
    x = round(height * random.uniform(0.1, 0.3))
    y = round(height * random.uniform(0.75, 0.85))
    thickness = max(1, round(height / 14))
    font, ink = _FONTS[random.integers(len(_FONTS))], int(random.integers(*_INK))
    cv2.putText(picture, text, (x, y), font, scale, ink, thickness, cv2.LINE_AA)
    grain = random.integers(-_GRAIN, _GRAIN + 1, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def _digits(count: int) -> Iterator[tuple[Grey, np.random.Generator]]:
    random = np.random.default_rng(3)
    return ((image, random) for image in drawn_digits(count, seed=2).images)


def _on_white(image: Grey, side: int, margin: int, random: np.random.Generator) -> Grey:
    page = np.full((side, side), 255, np.uint8)
    size = int(random.integers(round(0.7 * side), side - margin))
    top, left = random.integers(0, side - size, 2)
    page[top : top + size, left : left + size] = np.rint(255 * (1 - pages.cover(image, size)))
    return page


def _on_paper(
    image: Grey, size: tuple[int, int], side: int, shade: float, random: np.random.Generator
) -> NDArray[np.uint8]:
    height, width = size
    page = pages.paper(random, height, width)
    page *= np.linspace(1 - shade, 1, height, dtype=np.float32)[:, None, None]
    top, left = random.integers(0, height - side), random.integers(0, width - side)
    window = page[top : top + side, left : left + side]
    window[:] = pages.inked(window, pages.cover(image, side), (40, 45, 70))
    return pages.finished(page, random, noise=10 * shade)
