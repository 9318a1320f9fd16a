"""Marks drawn into printed boxes, and photographed by simulation."""

import cv2
import numpy as np

from service.forms.files import Form
from service.forms.finding import find_by_corners
from service.forms.straighten import straighten
from tests.forms.drawing import EDGE, INK, PAPER, PIXELS, draw_page, photograph

COLUMNS, ROWS, SIDE, STEP = 10, 5, 5, 12
EMPTY = ("empty", "dot", "erased")
MARKED = ("tick", "cross", "circle", "filled", "stroke")

_PATHS = {
    "tick": [[(0.05, 0.55), (0.4, 0.95), (1.1, -0.1)]],
    "cross": [[(0.05, 0.05), (0.95, 0.95)], [(0.95, 0.05), (0.05, 0.95)]],
    "stroke": [[(0.1, 0.9), (0.9, 0.1)]],
    "dot": [[(0.45, 0.5), (0.5, 0.5)]],
}


def form():
    fields = {
        f"m{n}": {"box": [*_place(n), SIDE, SIDE], "kind": "mark"} for n in range(COLUMNS * ROWS)
    }
    page = {"width": 150, "height": 90}
    given = {"name": "marks", "version": "1", "page": page, "found_by": "corners"}
    return Form.model_validate(given | {"fields": fields})


def inks(kind, *, severity, seed, frame=0.5):
    """Return the ink of 50 boxes with marks of this `kind`, on one photograph."""
    random = np.random.default_rng(seed)
    page = draw_page((150, 90))
    for number in range(COLUMNS * ROWS):
        x, y = (PIXELS * (EDGE + each) for each in _place(number))
        corners = [round(each - PIXELS * frame) for each in (x, y)]
        ends = [round(each + PIXELS * (SIDE + frame)) for each in (x, y)]
        cv2.rectangle(page, corners, ends, 90, 1)
        _draw(page, kind, np.array([x, y]), random)
    straight = straighten(photograph(page, severity, seed), form(), find_by_corners)
    assert straight.reason is None
    return list(straight.inks.values())


def _draw(page, kind, corner, random):
    side = PIXELS * SIDE
    tone = int(random.integers(INK, 110))  # pens and soft pencils
    pen = int(random.integers(2, 5))
    shift = corner + side * random.uniform(-0.08, 0.08, 2)
    size = side * random.uniform(0.75, 1.05)
    if kind == "erased":
        # What a rubber leaves of a tick.
        kind, tone = "tick", int(random.integers(200, PAPER - 5))
    if kind == "circle":
        centre = tuple(np.rint(shift + side / 2).astype(int).tolist())
        cv2.circle(page, centre, round(0.38 * size), tone, pen, cv2.LINE_AA)
    elif kind == "filled":
        ends = np.rint([shift + 0.15 * size, shift + 0.85 * size]).astype(int).tolist()
        cv2.rectangle(page, *ends, tone, -1)
    for path in _PATHS.get(kind, ()):
        points = np.rint(shift + size * np.array(path)).astype(np.int32)
        cv2.polylines(page, [points], False, tone, pen, cv2.LINE_AA)


def _place(number):
    return 12 + STEP * (number % COLUMNS), 12 + STEP * (number // COLUMNS)
