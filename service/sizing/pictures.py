"""Digits and fields as PNG files, drawn in a vector font on grainy paper; always the same ones."""

import cv2
import numpy as np

from service.imaging.greyscale import Picture, as_picture

_PAPER, _INK = (205, 250), (10, 70)
_GRAIN = 6
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)

# The fonts' digits are about 21 pixels high and 20 wide at scale 1.
_FONT_SIDE = 21.0
_SHARE = 0.6
_DIGITS = 8


def draw_digits(count: int, side: int) -> list[bytes]:
    """`count` pictures of one digit each, `side` pixels wide and high."""
    random = np.random.default_rng(1)
    return [_png(_write(str(number % 10), side, side, random)) for number in range(count)]


def draw_fields(count: int, height: int) -> list[bytes]:
    """`count` pictures of eight digits in a row, `height` pixels high."""
    random = np.random.default_rng(2)
    texts = ("".join(map(str, random.integers(0, 10, _DIGITS))) for _ in range(count))
    width = round(height * (1 + _SHARE * _DIGITS))
    return [_png(_write(text, height, width, random)) for text in texts]


def _write(text: str, height: int, width: int, random: np.random.Generator) -> Picture:
    picture = np.full((height, width), random.integers(*_PAPER), np.uint8)
    scale = _SHARE * height / _FONT_SIDE
    x = round(height * random.uniform(0.1, 0.3))
    y = round(height * random.uniform(0.75, 0.85))
    thickness = max(1, round(height / 14))
    font, ink = _FONTS[random.integers(len(_FONTS))], int(random.integers(*_INK))
    cv2.putText(picture, text, (x, y), font, scale, ink, thickness, cv2.LINE_AA)
    grain = random.integers(-_GRAIN, _GRAIN + 1, picture.shape)
    return as_picture(np.clip(picture + grain, 0, 255).astype(np.uint8))


def _png(picture: Picture) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()
