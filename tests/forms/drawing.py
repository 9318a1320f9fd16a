"""Forms drawn for tests, and simulated photographs of them."""

import cv2
import numpy as np

from benchmarks.pen import drawn_digits

PIXELS = 6  # per millimetre
EDGE = 10  # millimetres of paper around the markers
SQUARE = 7  # millimetres: the side of a marker
INK, PAPER, DESK = 30, 235, 95
_ADVANCE = 40


def draw_page(size, found_by="corners"):
    """Draw a blank page of `size` millimetres, with markers and paper around it."""
    width, height = (PIXELS * (side + 2 * EDGE) for side in size)
    page = np.full((round(height), round(width)), PAPER, np.uint8)
    right, bottom = size[0] - SQUARE, size[1] - SQUARE
    for number, (x, y) in enumerate([(0, 0), (right, 0), (right, bottom), (0, bottom)]):
        marker = {"corners": _square, "aruco": _aruco}.get(found_by, _nothing)(number)
        put(page, (x, y), marker)
    return page


def put(page, at, picture):
    """Put `picture` on the page, its top left corner `at` millimetres."""
    x, y = (round(PIXELS * (EDGE + side)) for side in at)
    height, width = picture.shape
    page[y : y + height, x : x + width] = np.minimum(page[y : y + height, x : x + width], picture)


def write(page, box, text, seed=2):
    """Write digits with one pen into `box`, as large as fits."""
    x, y, width, height = box
    digits = drawn_digits(200, seed)
    strip = np.zeros((56, _ADVANCE * len(text) + 16), np.uint8)
    for place, digit in enumerate(text):
        drawn = cv2.resize(digits.images[int(digit) + 10 * place], (56, 56))
        left = _ADVANCE * place
        strip[:, left : left + 56] |= drawn
    scale = min(PIXELS * width / strip.shape[1], PIXELS * height / strip.shape[0])
    small = cv2.resize(strip, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    put(page, (x, y), (PAPER - small * ((PAPER - INK) / 255)).astype(np.uint8))


def tick(page, box):
    """Draw a tick into `box`."""
    x, y, width, height = box
    points = [(0.1, 0.5), (0.4, 0.9), (0.95, 0.1)]
    path = [(EDGE + x + a * width, EDGE + y + b * height) for a, b in points]
    path = np.rint(PIXELS * np.array(path)).astype(np.int32)
    cv2.polylines(page, [path], False, INK, PIXELS // 2, cv2.LINE_AA)


def photograph(page, severity=1.0, seed=0, turn=0.0):
    """Photograph `page` on a desk: perspective, a shadow, blur, noise; uint8 [height, width].

    Args:
        page: the paper.
        severity: of everything; 0 photographs it from straight above.
        seed: of the photograph.
        turn: degrees that the page is turned by.
    """
    warp, side = placed(page, severity, seed, turn)
    random = np.random.default_rng(seed + 1000)
    photo = np.full((side, side), DESK, np.uint8)
    cv2.warpPerspective(page, warp, (side, side), photo, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT)
    y, x = np.mgrid[:side, :side] / side
    slope = np.cos(a := random.uniform(0, 2 * np.pi)) * x + np.sin(a) * y
    light = 1 - severity * 0.25 / (1 + np.exp(-(slope - np.median(slope)) * 60))
    light *= 1 - severity * 0.2 * x
    photo = cv2.GaussianBlur(photo, (0, 0), 0.5 + 1.2 * severity) * light
    photo += random.normal(0, 1 + 4 * severity, photo.shape)
    return np.clip(photo, 0, 255).astype(np.uint8)


def placed(page, severity, seed, turn):
    """Return the homography from `page` to its photograph, and the side of that."""
    random = np.random.default_rng(seed)
    height, width = page.shape
    side = round(1.35 * np.hypot(height, width))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    angle = np.deg2rad(turn + severity * random.uniform(-8, 8))
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    at = (corners - corners.mean(axis=0)) @ rotation + side / 2
    at += severity * random.uniform(-0.06, 0.06, (4, 2)) * width
    return cv2.getPerspectiveTransform(corners, at.astype(np.float32)), side


def jpeg(picture, quality=80):
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()


def _square(number):
    side = PIXELS * SQUARE
    square = np.full((side, side), INK, np.uint8)
    if number == 0:
        square[side // 4 : -side // 4, side // 4 : -side // 4] = PAPER
    return square


def _aruco(number):
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    marker = cv2.aruco.generateImageMarker(dictionary, number, PIXELS * SQUARE)
    return np.clip(marker, INK, PAPER).astype(np.uint8)


def _nothing(_number):
    return np.full((1, 1), PAPER, np.uint8)


SIZE = (150, 70)
SLIP = """\
page: {width: 150, height: 70}
found_by: FOUND_BY
max_error: 0.11
fields:
  zip: {box: [20, 15, 50, 11], kind: field, format: zip}
  again: {box: [20, 35, 50, 11], kind: field, format: zip, required: false}
  digit: {box: [100, 15, 9, 11], kind: digit, max_error: 0.01}
  agreed: {box: [100, 35, 6, 6], kind: mark}
"""
BOXES = {"zip": (21, 15.5, 48, 10), "again": (21, 35.5, 48, 10), "digit": (101, 16, 8, 9)}


def slip(found_by="corners", code="94110", again="", digit="7"):
    page = draw_page(SIZE, found_by)
    for name, text in (("zip", code), ("again", again), ("digit", digit)):
        if text:
            write(page, BOXES[name], text)
    tick(page, (100, 35, 6, 6))
    return page
