"""Writes digits on the page's sheet, with the mouse or a finger."""

import numpy as np
from playwright.sync_api import Locator, Page

Points = list[tuple[float, float]]

# Strokes of each digit: points x,y in hundredths of a square, y downwards.
_STROKES = {
    "0": ["55,20 36,30 30,52 38,75 54,80 69,65 70,42 63,24 52,20"],
    "1": ["42,32 50,24 55,18 54,40 52,60 50,82"],
    "2": ["34,34 40,23 54,20 65,31 60,48 46,65 33,79 45,77 58,78 72,76"],
    "4": ["47,20 41,36 33,54 45,56 60,55 74,53", "62,33 60,50 58,66 57,83"],
    "7": ["30,25 42,23 56,22 69,21 69,25 62,37 54,52 49,66 46,82"],
}
_POINTS_BETWEEN = 5


def write(page: Page, sheet: Locator, text: str) -> None:
    """Write `text` on the canvas `sheet` with the mouse."""
    for points in _on_page(sheet, text):
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


def write_with_finger(page: Page, sheet: Locator, text: str) -> None:
    """Write `text` on the canvas `sheet` by touch."""
    session = page.context.new_cdp_session(page)
    for points in _on_page(sheet, text):
        for place, (x, y) in enumerate(points):
            kind = "touchMove" if place else "touchStart"
            touch = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            session.send("Input.dispatchTouchEvent", touch)
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def _on_page(sheet: Locator, text: str) -> list[Points]:
    """Return the strokes of `text` in pixels of the page, centred."""
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    assert box is not None
    size = min(box["height"], box["width"] / (0.62 * len(text) + 0.38))
    step = 0.62 * size
    left = box["x"] + (box["width"] - step * (len(text) - 1) - size) / 2
    top = box["y"] + (box["height"] - size) / 2
    return [
        [(left + place * step + size * x, top + size * y) for x, y in _smooth(stroke)]
        for place, digit in enumerate(text)
        for stroke in _STROKES[digit]
    ]


def _smooth(stroke: str) -> Points:
    """Return points along the Catmull-Rom curve through those of `stroke`."""
    points = [[float(part) / 100 for part in point.split(",")] for point in stroke.split()]
    known = np.array([points[0], *points, points[-1]])
    curve = []
    for p0, p1, p2, p3 in zip(known, known[1:], known[2:], known[3:], strict=False):
        for t in np.linspace(0, 1, _POINTS_BETWEEN, endpoint=False):
            bent = 2 * p0 - 5 * p1 + 4 * p2 - p3, 3 * p1 - p0 - 3 * p2 + p3
            curve.append((2 * p1 + (p2 - p0) * t + bent[0] * t**2 + bent[1] * t**3) / 2)
    return [(float(x), float(y)) for x, y in [*curve, known[-1]]]
