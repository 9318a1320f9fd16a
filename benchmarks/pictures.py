"""Pictures of digits and fields, synthesised: no data set is needed."""

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]  # [height, width]

_PAPER, _INK = (205, 250), (10, 70)  # ranges of grey levels
_GRAIN = 6
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
_FONT_SIDE = 21.0  # pixels: height and width of the fonts' digits at scale 1
_SHARE = 0.6  # of a picture's height that a digit takes
_DIGITS_PER_FIELD = 8


def draw_digits(count: int, side: int) -> list[bytes]:
    """Draw `count` PNG files of one digit each in a vector font on grainy paper, always the same.

    draw_digits(10, side=28)
    """
    random = np.random.default_rng(1)
    return [_png(_write(str(number % 10), side, side, random)) for number in range(count)]


def draw_fields(count: int, height: int) -> list[bytes]:
    """Draw `count` PNG files of eight digits in a row, `height` pixels high, always the same."""
    random = np.random.default_rng(2)
    texts = ("".join(map(str, random.integers(0, 10, _DIGITS_PER_FIELD))) for _ in range(count))
    width = round(height * (1 + _SHARE * _DIGITS_PER_FIELD))
    return [_png(_write(text, height, width, random)) for text in texts]


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


def _png(picture: Grey) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()
