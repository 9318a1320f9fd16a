"""Marks between digits and around amounts, drawn as glyphs.

Each has a vertical position: the distance of its lower edge above the baseline.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from training.reader.ink import Glyph, Random, crop

_FINE = 4  # fractional bits of OpenCV's coordinates


@dataclass(frozen=True)
class Mark:
    """A glyph, and its distance above the baseline in pixels."""

    ink: Glyph
    above: float


def draw(symbol: str, size: float, pen: float, random: Random) -> Mark:
    """Draw one of `.,-=#/$*x` for digits of height `size`; a `*` is any other sign.

    `pen` is the thickness of the stroke in pixels.
    """
    strokes, above = _STROKES[symbol](size, random)
    side = int(2.4 * size) + 8
    page = np.zeros((side, side), np.uint8)
    thickness = max(1, round(pen * random.uniform(0.8, 1.3)))
    for stroke in strokes:
        path = np.rint((np.array(stroke) + side / 2) * 2**_FINE).astype(np.int32)
        cv2.polylines(page, [path], False, 255, thickness, cv2.LINE_AA, shift=_FINE)
    return Mark(crop(page), above)


_Strokes = list[list[tuple[float, float]]]


def _dot(size: float, random: Random) -> tuple[_Strokes, float]:
    length = random.uniform(0.0, 0.10) * size
    return [[(0, 0), (length, random.uniform(-0.3, 0.6) * length)]], _low(size, random)


def _comma(size: float, random: Random) -> tuple[_Strokes, float]:
    drop, back = random.uniform(0.2, 0.38) * size, random.uniform(0.03, 0.2) * size
    bend = (random.uniform(0, 0.06) * size, 0.5 * drop)
    return [[(0, 0), bend, (-back, drop)]], -drop * random.uniform(0.35, 0.9)


def _dash(size: float, random: Random) -> tuple[_Strokes, float]:
    return [_stroke(size, random)], random.uniform(0.12, 0.6) * size


def _equals(size: float, random: Random) -> tuple[_Strokes, float]:
    part = random.uniform(0.16, 0.34) * size
    upper, lower = _stroke(size, random), _stroke(size, random)
    return [upper, [(x, y + part) for x, y in lower]], random.uniform(0.05, 0.4) * size


def _hash(size: float, random: Random) -> tuple[_Strokes, float]:
    height, width = random.uniform(0.6, 1.0) * size, random.uniform(0.4, 0.7) * size
    lean = random.uniform(0, 0.25) * size
    strokes: _Strokes = []
    for share in (0.3, 0.7):
        x, y = (share + random.uniform(-0.06, 0.06)) * width, share * height
        strokes.append([(x + lean / 2, 0), (x - lean / 2, height)])
        rise = random.uniform(-0.08, 0.08) * size
        strokes.append([(-0.1 * width, y + rise), (1.1 * width, y - rise)])
    return strokes, random.uniform(-0.1, 0.2) * size


def _dollar(size: float, random: Random) -> tuple[_Strokes, float]:
    angles = np.linspace(-0.2, 1.5 * np.pi, 9)
    radius, wide = 0.23 * size, random.uniform(0.7, 1.1)
    upper = [(wide * radius * np.cos(a), -radius - radius * np.sin(a)) for a in angles]
    lower = [(-x, -y) for x, y in upper[::-1]]
    bar = random.uniform(0.5, 0.7) * size
    return [upper + lower, [(0.05 * size, -bar), (-0.05 * size, bar)]], -0.05 * size


def _slash(size: float, random: Random) -> tuple[_Strokes, float]:
    height, lean = random.uniform(1.05, 1.8) * size, random.uniform(0.25, 0.9) * size
    bow = random.normal(0, 0.04) * size
    return [[(lean, 0), (lean / 2 + bow, height / 2), (0, height)]], size - height * random.uniform(
        0.85, 1.0
    )


def _cross(size: float, random: Random) -> tuple[_Strokes, float]:
    """Draw an x."""
    height, width = random.uniform(0.35, 0.6) * size, random.uniform(0.3, 0.6) * size
    bow = random.normal(0, 0.05) * size
    falling = [(0, 0), (width / 2 + bow, height / 2), (width, height)]
    return [falling, [(width, 0), (0, height)]], _low(size, random)


def _sign(size: float, random: Random) -> tuple[_Strokes, float]:
    return _SIGNS[random.integers(len(_SIGNS))](size, random)


def _plus(size: float, random: Random) -> tuple[_Strokes, float]:
    arm = random.uniform(0.18, 0.35) * size
    tilt, lean = random.normal(0, 1, 2).tolist()
    return [[(-arm, tilt), (arm, 0)], [(lean, -arm), (0, arm)]], random.uniform(0.1, 0.4) * size


def _percent(size: float, random: Random) -> tuple[_Strokes, float]:
    slash, above = _slash(0.9 * size, random)
    (right, _), (_, _), (left, low) = slash[0]
    radius = random.uniform(0.1, 0.17) * size
    rings = [
        [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in np.linspace(0, 6.5, 9)]
        for x, y in ((left - 0.05 * size, 0.2 * size), (right + 0.05 * size, low - 0.2 * size))
    ]
    return [*slash, *rings], above


def _colon(size: float, random: Random) -> tuple[_Strokes, float]:
    apart, dot = random.uniform(0.25, 0.5) * size, random.uniform(0, 0.06) * size
    return [[(0, 0), (dot, dot)], [(0, apart), (dot, apart + dot)]], random.uniform(0, 0.25) * size


def _bracket(size: float, random: Random) -> tuple[_Strokes, float]:
    depth = random.uniform(0.12, 0.25) * size * (1 if random.random() < 0.5 else -1)
    y = np.linspace(0, 1.2 * size, 7)
    bow = depth * (1 - ((y - 0.6 * size) / (0.6 * size)) ** 2)
    return [list(zip((-bow).tolist(), y.tolist(), strict=True))], -0.1 * size


def _star(size: float, random: Random) -> tuple[_Strokes, float]:
    radius = random.uniform(0.15, 0.3) * size
    ends = [(radius * np.cos(a), radius * np.sin(a)) for a in random.uniform(0, 0.5) + _SIXTHS]
    return [[(x, y), (-x, -y)] for x, y in ends], random.uniform(0.1, 0.5) * size


def _stroke(size: float, random: Random) -> list[tuple[float, float]]:
    length, rise = random.uniform(0.22, 0.75) * size, random.uniform(-0.12, 0.12) * size
    return [(0, 0), (length / 2, rise / 2 + random.uniform(-0.04, 0.04) * size), (length, rise)]


def _low(size: float, random: Random) -> float:
    return random.uniform(-0.08, 0.08) * size


_SIXTHS = np.arange(3) * np.pi / 3
_SIGNS = (_star, _star, _plus, _plus, _percent, _colon, _bracket)
_STROKES = {
    ".": _dot,
    ",": _comma,
    "-": _dash,
    "=": _equals,
    "#": _hash,
    "$": _dollar,
    "/": _slash,
    "*": _sign,
    "x": _cross,
}
