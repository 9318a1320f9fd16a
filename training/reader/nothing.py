"""Ink without digits: words, scribbles, strokes. The reader must read nothing."""

import cv2
import numpy as np

from models.strips import Grey
from training.junk import FONTS
from training.reader.ink import Glyph, Random, crop

# Without letters that resemble digits.
_LETTERS = "ACEFHKMNPRUVWXacdefhkmnprtuvwx&?%"


def nothing(height: int, random: Random) -> Grey:
    """Draw ink uint8 [height, width] without a digit, or no ink."""
    width = int(height * random.uniform(1.0, 7.0))
    page = np.zeros((height, width), np.uint8)
    kind = random.random()
    if kind < 0.3:
        return page
    pen = max(1, round(height * random.uniform(0.02, 0.09)))
    if kind < 0.65:
        word = "".join(random.choice(list(_LETTERS), int(random.integers(2, 12))))
        font = FONTS[random.integers(len(FONTS))]
        size = height / 22 * random.uniform(0.5, 1.0)
        base = int(height * random.uniform(0.6, 0.85))
        cv2.putText(page, word, (height // 6, base), font, size, 255, pen, cv2.LINE_AA)
    elif kind < 0.85:
        _scribble(page, pen, random)
    else:
        row, drop = random.uniform(0.2, 0.8) * height, random.normal(0, 0.15) * height
        start, end = sorted(random.uniform(0, width, 2))
        ends = (int(start), int(row)), (int(end), int(row + drop))
        cv2.line(page, *ends, 255, pen, cv2.LINE_AA)
    return page


def drawn_letter(random: Random) -> Glyph:
    """Draw a letter that does not resemble a digit, in a simple font."""
    page = np.zeros((64, 80), np.uint8)
    font = FONTS[random.integers(len(FONTS))]
    letter = random.choice(list(_LETTERS.rstrip("&?%")))
    cv2.putText(page, letter, (16, 48), font, 1.4, 255, int(random.integers(2, 7)), cv2.LINE_AA)
    return crop(page)


def _scribble(page: Grey, pen: int, random: Random) -> None:
    """Draw joined strokes, like a signature."""
    height, width = page.shape
    count = max(6, int(width / height * random.uniform(3, 7)))
    x = np.linspace(0.05 * width, 0.9 * width, count) + random.normal(0, 0.1 * height, count)
    y = height * (0.5 + random.uniform(-0.35, 0.35, count))
    corners = np.stack([x, y], axis=1)
    # Two rounds of corner cutting make a smooth stroke (Chaikin, 1974).
    for _ in range(2):
        ahead, behind = corners[:-1], corners[1:]
        pairs = np.stack([0.75 * ahead + 0.25 * behind, 0.25 * ahead + 0.75 * behind], axis=1)
        corners = pairs.reshape(-1, 2)
    path = np.rint(corners * 16).astype(np.int32)
    cv2.polylines(page, [path], False, 255, pen, cv2.LINE_AA, shift=4)
