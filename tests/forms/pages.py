"""Pages with tables that tests draw."""

import cv2
import numpy as np

from benchmarks.pages.logbook import draw_page
from benchmarks.pen import drawn_digits

PAPER, LINE = 230, 90


def ruled(xs, ys, *, size=(900, 1200), thickness=2):
    """Draw a grid with lines at `xs` and `ys` on a page of height and width `size`."""
    page = np.full(size, PAPER, np.uint8)
    for x in xs:
        cv2.line(page, (x, ys[0]), (x, ys[-1]), LINE, thickness)
    for y in ys:
        cv2.line(page, (xs[0], y), (xs[-1], y), LINE, thickness)
    return page


def written(text, *, seed=15):
    """Draw `text` with a pen: [60, width], dark on light."""
    digits = drawn_digits(200, seed)
    strip = np.zeros((60, 26 * len(text) + 24), np.uint8)
    for place, digit in enumerate(text):
        drawn = cv2.resize(digits.images[int(digit) + 10 * place], (40, 40))
        left = 5 + 26 * place
        strip[10:50, left : left + 40] |= drawn
    return (236 - strip * (186 / 255)).astype(np.uint8)


def logbook(rows, *, bent=False, seed=1):
    """Draw a page with these texts, None for an empty cell, as a JPEG file."""
    cells = [text and (written(text), text) for row in rows for text in row]
    return draw_page(cells, len(rows[0]), np.random.default_rng(seed), bent=bent).jpeg
