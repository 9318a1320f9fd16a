"""Pictures without a digit, which teach a model to doubt.

Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019: their
target is the uniform distribution, and models learn to doubt other kinds of junk too.
"""

from collections.abc import Callable

import cv2
import numpy as np

from models.mnist import Digits, Images

_SIDE = 28
_BOX = 20  # MNIST's digits fill a box of this side

# Without letters that resemble digits: O Q D I J l i S Z z B b G g q y T t Y ! { } and the like.
_GLYPHS = "AaCcdEeFfHhKkLMmNnPpRrUuVvWwXx#$%&?@*+=<>~"
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)

Random = np.random.Generator
_Kind = Callable[[Images, Random], Images]  # from available digits to one picture [28, 28]


def junk(count: int, digits: Images, random: Random) -> Images:
    """Draw pictures without a digit, uint8 [count, 28, 28]; some have `digits` side by side."""
    kinds = random.integers(len(_KINDS), size=count)
    return np.stack([_KINDS[kind](digits, random) for kind in kinds])


def chimeras(count: int, digits: Digits, random: Random) -> Images:
    """Draw what is made of `digits` and is none, uint8 [count, 28, 28].

    The halves of two, one mirrored, turned or upside down, or two of them one over the other.
    """
    made = []
    while len(made) < count:
        place, other = random.integers(len(digits), size=2)
        label, image, second = int(digits.labels[place]), digits.images[place], digits.images[other]
        kind = random.integers(4)
        if kind == 0 and label != digits.labels[other]:
            made.append(_halves(image, second, random))
        elif kind == 1 and label in _NEVER_MIRRORED:
            made.append(image[:, ::-1] if random.random() < 0.6 else image[::-1])
        elif kind == 2 and label in _NEVER_TURNED:
            made.append(np.rot90(image, random.choice((1, 3))))
        elif kind == 3:
            shifts = random.integers(-6, 7, 2)
            made.append(in_box(np.maximum(image, np.roll(second, shifts, (0, 1)))))
    return np.stack(made) if made else np.empty((0, _SIDE, _SIDE), np.uint8)


# Mirrored, the others are digits or nearly: 0, 1, 8; 2 and 5 become each other; an upside-down 3
# is a 3. Turned by a right angle, 0 and 8 stay readable.
_NEVER_MIRRORED = (4, 7)
_NEVER_TURNED = (2, 3, 4, 5, 7)


def _halves(first: Images, second: Images, random: Random) -> Images:
    middle = _SIDE // 2
    if random.random() < 0.5:
        return in_box(np.vstack([first[:middle], second[middle:]]))
    return in_box(np.hstack([first[:, :middle], second[:, middle:]]))


def _scribble(_: Images, random: Random) -> Images:
    picture = np.zeros((_SIDE, _SIDE), np.uint8)
    thickness = int(random.integers(1, 4))
    for _stroke in range(int(random.integers(2, 6))):
        corners = random.uniform(3, 25, (int(random.integers(3, 8)), 2))
        # Two rounds of corner cutting make a smooth stroke (Chaikin, 1974).
        for _round in range(2):
            ahead, behind = corners[:-1], corners[1:]
            corners = np.stack(
                [0.75 * ahead + 0.25 * behind, 0.25 * ahead + 0.75 * behind], axis=1
            ).reshape(-1, 2)
        path = np.rint(corners * 16).astype(np.int32)
        cv2.polylines(picture, [path], False, 255, thickness, cv2.LINE_AA, shift=4)
    return picture


def _glyph(_: Images, random: Random) -> Images:
    return in_box(_written(_GLYPHS[random.integers(len(_GLYPHS))], random))


def _word(_: Images, random: Random) -> Images:
    letters = random.choice(list(_GLYPHS), int(random.integers(2, 5)))
    return in_box(_written("".join(letters), random))


def _written(text: str, random: Random) -> Images:
    font = FONTS[random.integers(len(FONTS))]
    thickness = int(random.integers(2, 6))
    (width, height), below = cv2.getTextSize(text, font, 2.0, thickness)
    page = np.zeros((height + below + 20, width + 20), np.uint8)
    cv2.putText(page, text, (10, height + 10), font, 2.0, 255, thickness, cv2.LINE_AA)
    return page


def _several_digits(digits: Images, random: Random) -> Images:
    count = int(random.integers(2, 5))
    chosen = digits[random.integers(len(digits), size=count)]
    overlap = int(random.integers(0, 5))
    return in_box(np.hstack([digit[:, 4 + overlap // 2 : 24 - overlap // 2] for digit in chosen]))


def _blobs(_: Images, random: Random) -> Images:
    noise = cv2.GaussianBlur(
        random.standard_normal((_SIDE, _SIDE), dtype=np.float32), (0, 0), random.uniform(0.6, 3.0)
    )
    threshold = np.quantile(noise, random.uniform(0.4, 0.9))
    sharpness = random.uniform(100, 2000)
    return np.clip((noise - threshold) * sharpness, 0, 255).astype(np.uint8)


def _noise(_: Images, random: Random) -> Images:
    share = random.uniform(0.02, 0.6)
    values = random.integers(0, 256, (_SIDE, _SIDE))
    return np.where(random.random((_SIDE, _SIDE)) < share, values, 0).astype(np.uint8)


def _stripes(_: Images, random: Random) -> Images:
    y, x = np.mgrid[:_SIDE, :_SIDE]
    angle, period = random.uniform(0, np.pi), random.uniform(3, 14)
    waves = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period + angle)
    if random.random() < 0.5:
        waves = waves * np.sin((x * np.sin(angle) - y * np.cos(angle)) * 2 * np.pi / period)
    return np.clip(waves * random.uniform(150, 800), 0, 255).astype(np.uint8)


def _shapes(_: Images, random: Random) -> Images:
    picture = np.zeros((_SIDE, _SIDE), np.uint8)
    for _shape in range(int(random.integers(1, 4))):
        x, y = (int(place) for place in random.integers(6, 22, 2))
        width, height = (int(side) for side in random.integers(4, 12, 2))
        ink = int(random.integers(100, 256))
        if random.random() < 0.5:
            corners = (x - width, y - height), (x + width, y + height)
            cv2.rectangle(picture, *corners, ink, -1 if random.random() < 0.5 else 2)
        else:
            # Filled, because a ring would be a zero.
            cv2.ellipse(picture, (x, y), (width, height), 0, 0, 360, ink, -1, cv2.LINE_AA)
    return picture


_KINDS: tuple[_Kind, ...] = (
    _scribble,
    _scribble,
    _glyph,
    _glyph,
    _glyph,
    _word,
    _several_digits,
    _several_digits,
    _blobs,
    _noise,
    _stripes,
    _shapes,
)


def in_box(page: Images) -> Images:
    """Scale the ink of `page` like MNIST's digits: longer side 20 pixels, centred by mass."""
    rows, columns = np.flatnonzero(page.any(axis=1)), np.flatnonzero(page.any(axis=0))
    picture = np.zeros((_SIDE, _SIDE), np.uint8)
    if not len(rows):
        return picture
    ink = page[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = _BOX / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    small = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA)
    moments = cv2.moments(small)
    left, top = (
        min(max(0, round(_SIDE / 2 - moments[of] / max(moments["m00"], 1))), _SIDE - side)
        for of, side in (("m10", width), ("m01", height))
    )
    picture[top : top + height, left : left + width] = small
    return picture
