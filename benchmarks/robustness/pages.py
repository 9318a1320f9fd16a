"""Digits on paper, at the sizes of scans and photographs: dark ink, colour, texture.

Functions take a digit uint8 [28, 28], white on black, a level and a random generator, and return
a picture uint8 [height, width, 3] (red, green, blue).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # [28, 28], white ink (255) on black (0)
Cover = NDArray[np.float32]  # [height, width], 0 to 1: how much ink covers the paper
Page = NDArray[np.float32]  # [height, width, 3], 0 to 255
Picture = NDArray[np.uint8]  # [height, width, 3]
Colour = tuple[int, int, int]
Random = np.random.Generator
Mask = NDArray[np.uint8]  # [height, width], 1 or 0

PIXEL = 5  # side of an MNIST pixel on a page
SIDE = 28 * PIXEL
_SMALLEST = 0.7  # of the size at which a digit fills the page as in MNIST

_BLACK_INK: Colour = (35, 35, 45)
_BLUE_INK: Colour = (40, 55, 150)
_PENS: tuple[Colour, ...] = (
    _BLUE_INK,
    (185, 40, 50),  # red
    (40, 130, 70),  # green
    (110, 60, 140),  # violet
    (105, 105, 110),  # pencil
    (200, 110, 30),  # orange
)
_RULE: Colour = (120, 150, 205)  # printed lines

# What each of the eight neighbours adds to a pixel's code, clockwise from the one above.
_NEIGHBOURS = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)
_AROUND = np.arange(256)[:, None] >> np.arange(8) & 1  # [code, neighbour]
_COUNT = _AROUND.sum(axis=1)
_RISES = (np.roll(_AROUND, -1, axis=1) > _AROUND).sum(axis=1)
# By code, whether a pixel may go in the first and in the second half of a round: three of the
# neighbours above (0), right (2), below (4) and left (6) are not all ink.
_REMOVABLE = [
    (_COUNT >= 2)
    & (_COUNT <= 6)
    & (_RISES == 1)
    & ~_AROUND[:, three].all(axis=1)
    & ~_AROUND[:, others].all(axis=1)
    for three, others in (([0, 2, 4], [2, 4, 6]), ([0, 2, 6], [0, 4, 6]))
]


def pen_coloured(image: Image, paleness: float, random: Random) -> Picture:
    """Write with a coloured pen, its ink thinned by this share of paper."""
    pen = _PENS[random.integers(len(_PENS))]
    return finished(inked(paper(random), placed(image, random) * (1 - paleness), pen), random)


def thinly_written(image: Image, width: float, random: Random) -> Picture:
    """Write with a pen `width` pixels of MNIST wide."""
    nib = _nib(width * PIXEL)
    middle = _skeleton((placed(image, random) > 0.5).astype(np.uint8))
    stroke = cv2.dilate(middle, nib).astype(np.float32)
    return finished(inked(paper(random), cv2.GaussianBlur(stroke, (0, 0), 0.6), _BLACK_INK), random)


def thickly_written(image: Image, more: float, random: Random) -> Picture:
    """Write with a pen that is wider by `more` pixels of MNIST."""
    return finished(
        inked(paper(random), cv2.dilate(placed(image, random), _nib(more * PIXEL)), _BLACK_INK),
        random,
    )


def ruled(image: Image, strength: float, random: Random) -> Picture:
    """Write on ruled paper; the lines have this share of their full colour."""
    page = paper(random)
    _rule(page, strength, random, spacing=int(random.integers(35, 60)))
    return finished(inked(page, placed(image, random), _BLUE_INK), random)


def on_grid(image: Image, strength: float, random: Random) -> Picture:
    """Write on grid paper; the lines have this share of their full colour."""
    page = paper(random)
    spacing = int(random.integers(18, 36))
    _rule(page, strength, random, spacing=spacing)
    _rule(page.transpose(1, 0, 2), strength, random, spacing=spacing)
    return finished(inked(page, placed(image, random), _BLUE_INK), random)


def boxed(image: Image, gap: float, random: Random) -> Picture:
    """Write in the printed box of a form, `gap` pixels of MNIST around the digit's 20-pixel box."""
    page = paper(random)
    low, high = round((4 - gap) * PIXEL), round((24 + gap) * PIXEL)
    jitter = random.integers(-3, 4, 4)
    corners = (low + jitter[0], low + jitter[1]), (high + jitter[2], high + jitter[3])
    cv2.rectangle(page, *[tuple(map(int, corner)) for corner in corners], (90, 90, 90), 2)
    return finished(inked(page, cover(image), _BLACK_INK), random)


def security_printed(image: Image, strength: float, random: Random) -> Picture:
    """Write on a cheque's fine waves, which have this share of their full colour."""
    page = paper(random)
    x = np.arange(-10, SIDE + 10)
    for offset in range(-20, SIDE + 20, int(random.integers(6, 10))):
        y = offset + 6 * np.sin(x / random.uniform(9, 14) + random.uniform(0, 6))
        wave = np.rint(np.stack([x, y], axis=1) * 16).astype(np.int32)
        layer = np.zeros((SIDE, SIDE), np.float32)
        cv2.polylines(layer, [wave], False, 1.0, 1, shift=4)
        page = inked(page, layer * strength, _RULE)
    return finished(inked(page, placed(image, random), _BLACK_INK), random)


def shadowed(image: Image, darkness: float, random: Random) -> Picture:
    """Cast a shadow that takes this share of the light."""
    page = inked(paper(random), placed(image, random), _BLACK_INK)
    return finished(page * shadow(page, darkness, random, 0.4, (0.02, 0.3)), random)


def photographed(image: Image, tilt: float, random: Random) -> Picture:
    """Photograph from the side in uneven light; corners move by up to this share of the page."""
    page = inked(paper(random), placed(image, random), _BLACK_INK)
    corners = np.array([(0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE)], np.float32)
    inward = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], np.float32)
    moves = random.uniform(0, tilt * SIDE, (4, 2)).astype(np.float32)
    # The paper is larger than the view, so it fills the frame.
    view = cv2.getPerspectiveTransform(corners, corners + inward * moves)
    photo = cv2.warpPerspective(page, view, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    light = (0.85 + tilt * slope(page, random) / 2).astype(np.float32)
    return finished(cv2.GaussianBlur(photo * light[..., None], (0, 0), 0.8), random, noise=4.0)


def in_corner(image: Image, share: float, random: Random) -> Picture:
    """Write near a corner of a page of 480x640 pixels, its box this share of the height."""
    height, width = 640, 480
    side = round(share * height * 28 / 20)
    page = paper(random, height, width)
    margin = random.integers(10, 40, 2)
    top = margin[0] if random.random() < 0.5 else height - side - margin[0]
    left = margin[1] if random.random() < 0.5 else width - side - margin[1]
    window = page[top : top + side, left : left + side]
    window[:] = inked(window, cover(image, side), _BLUE_INK)
    return finished(page, random)


def badly_scanned(image: Image, border: float, random: Random) -> Picture:
    """Add specks and a scanner's dark border at two sides, `border` pixels of MNIST wide."""
    page = inked(paper(random), placed(image, random), _BLACK_INK)
    for _ in range(int(random.integers(3, 12))):
        x, y = (int(at) for at in random.integers(0, SIDE, 2))
        cv2.circle(page, (x, y), int(random.integers(0, 3)), (60, 60, 60), -1)
    width = round(border * PIXEL)
    page[:, :width] = 30
    page[-width:] = 30
    return finished(page, random)


def placed(image: Image, random: Random) -> Cover:
    """Cover a page with a digit of random size and place."""
    covered = np.zeros((SIDE, SIDE), np.float32)
    side = int(random.integers(round(_SMALLEST * SIDE), SIDE + 1))
    top, left = random.integers(0, SIDE - side + 1, 2)
    covered[top : top + side, left : left + side] = cover(image, side)
    return covered


def cover(image: Image, side: int = SIDE) -> Cover:
    """Scale a digit to a square of `side` with smooth, sharp edges."""
    if side < 2 * 28:
        size = (side, side)
        method = cv2.INTER_AREA if side < 28 else cv2.INTER_CUBIC
        return np.clip(cv2.resize(image, size, interpolation=method) / 255, 0, 1).astype(np.float32)
    smooth = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return np.clip((cv2.GaussianBlur(smooth, (0, 0), 1.0) / 255 - 0.5) * 3 + 0.5, 0, 1)


def paper(random: Random, height: int = SIDE, width: int = SIDE) -> Page:
    """Return nearly white paper with a little grain."""
    tone = random.uniform(225, 252) - np.array([0, random.uniform(0, 3), random.uniform(0, 14)])
    grain = random.standard_normal((height // 2 + 1, width // 2 + 1), dtype=np.float32)
    texture = 1.5 * cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    return (tone + texture[..., None]).astype(np.float32)


def inked(page: Page, covered: Cover, ink: Colour) -> Page:
    """Put ink on `page` where it is covered."""
    return page + (np.float32(ink) - page) * covered[..., None]


def finished(page: Page, random: Random, noise: float = 1.5) -> Picture:
    """Add the noise of a scanner or camera."""
    seen = page + noise * random.standard_normal(page.shape, dtype=np.float32)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def shadow(
    page: Page,
    darkness: float,
    random: Random,
    reach: float = 0.5,
    soft: tuple[float, float] = (0.01, 0.1),
) -> Page:
    """Return the light [height, width, 1], 0 to 1, under a shadow with an edge on `page`.

    The edge is up to `reach` from the middle, and as wide as the range `soft`; the page is 2 wide.
    """
    past = slope(page, random) - random.uniform(-reach, reach)
    inside = 1 / (1 + np.exp(np.clip(past / random.uniform(*soft) * 4, -50, 50)))
    return (1 - darkness * inside)[..., None].astype(np.float32)


def slope(page: Page, random: Random) -> NDArray[np.float64]:
    """Return a slope [height, width] over `page` in any direction, -1 to 1 from side to side."""
    height, width, _ = page.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = random.uniform(0, 2 * np.pi)
    return x * np.cos(angle) + y * np.sin(angle)


def _nib(width: float) -> Image:
    side = max(1, round(width))
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def _rule(page: Page, strength: float, random: Random, *, spacing: int) -> None:
    for row in range(int(random.integers(spacing)), len(page), spacing):
        lines = page[row : row + 2]
        lines += (np.float32(_RULE) - lines) * strength


def _skeleton(mask: Mask) -> Mask:
    """Thin the strokes of `mask` to one pixel.

    Zhang and Suen, "A fast parallel algorithm for thinning digital patterns", CACM 27(3), 1984.
    """
    thin = np.pad(mask, 1)
    while True:
        before = thin.sum()
        for removable in _REMOVABLE:
            codes = cv2.filter2D(thin, cv2.CV_32F, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT)
            thin = np.where(removable[codes.astype(np.uint8)], 0, thin).astype(np.uint8)
        if thin.sum() == before:
            return np.ascontiguousarray(thin[1:-1, 1:-1])
