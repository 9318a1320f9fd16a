"""Paper: plain, with security print, ruled, and from real cheques."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.strips import Grey
from training.reader.amounts import Amount
from training.reader.ink import Random, ink_of

_INPAINTING_RADIUS = 3.0

Pattern = NDArray[np.float32]  # [height, width], from 0 (no print) to 1 (darkest)
Backgrounds = Sequence[Grey]


def erased(amounts: Sequence[Amount]) -> list[Grey]:
    """Return the paper of `amounts`, with the ink replaced by its surroundings.

    Telea, "An Image Inpainting Technique Based on the Fast Marching Method", 2004.
    """
    papers = []
    for amount in amounts:
        mask = cv2.dilate((ink_of(amount.grey) > 40).astype(np.uint8), np.ones((3, 3), np.uint8))
        papers.append(cv2.inpaint(amount.grey, mask, _INPAINTING_RADIUS, cv2.INPAINT_TELEA))
    return papers


def paper(height: int, width: int, real: Backgrounds, random: Random) -> Grey:
    """Draw a blank sheet, uint8 [height, width]."""
    if random.random() < 0.4 and len(real):
        return real_paper(height, width, real, random)
    level = random.uniform(110, 250)
    sheet = np.full((height, width), level, np.float32)
    if random.random() < 0.7:
        pattern = _printed(height, width, random)
        if random.random() < 0.4:
            pattern = np.maximum(pattern, _printed(height, width, random))
        sheet -= pattern * level * random.uniform(0.03, 0.28)
    if random.random() < 0.5:
        sheet += _cloud(height, width, random) * random.uniform(2, 0.07 * level)
    if random.random() < 0.06:
        sheet[:, int(random.integers(width)) :] += random.uniform(-40, 40)
    return np.clip(sheet, 0, 255).astype(np.uint8)


def rule(strip: Grey, random: Random) -> None:
    """Draw lines and boxes of forms, or the edge of a scan, on `strip` in place."""
    height, width = strip.shape
    paper_grey = float(np.median(strip))
    dark = int(paper_grey * random.uniform(0.1, 0.75))
    kind = random.random()
    if kind < 0.55:
        for _ in range(int(random.integers(1, 3))):
            row = _edge_row(height, random)
            drop = int(random.normal(0, 0.02) * width)
            cv2.line(strip, (0, row), (width, row + drop), dark, _fine(random), cv2.LINE_AA)
    elif kind < 0.7:
        column = int(random.choice((random.integers(0, 4), width - 1 - random.integers(0, 4))))
        cv2.line(strip, (column, 0), (column, height), dark, _fine(random), cv2.LINE_AA)
    elif kind < 0.8:
        top, bottom = int(random.integers(0, 4)), height - 1 - int(random.integers(0, 4))
        cv2.rectangle(strip, (1, top), (width - 2, bottom), dark, _fine(random))
    elif kind < 0.9:
        pitch = int(height * random.uniform(0.5, 0.9))
        faint = int(paper_grey * random.uniform(0.5, 0.9))
        top = int(random.integers(0, height // 2)) if random.random() < 0.5 else 0
        for column in range(int(random.integers(pitch)), width, pitch):
            cv2.line(strip, (column, top), (column, height), faint, 1)
    else:
        # Columns of the scan beyond the paper.
        rim = int(random.integers(1, 5))
        strip[:, :rim] = random.integers(0, 256)


def _edge_row(height: int, random: Random) -> int:
    row = int(abs(random.normal(0, 0.1)) * height)
    return row if random.random() < 0.3 else height - 1 - row


def _fine(random: Random) -> int:
    return 1 if random.random() < 0.75 else 2


def real_paper(height: int, width: int, real: Backgrounds, random: Random) -> Grey:
    """Take a blank sheet, uint8 [height, width], from one of the `real` ones."""
    sheet = real[random.integers(len(real))]
    scale = height / sheet.shape[0] * random.uniform(1.0, 1.3)
    sheet = cv2.resize(sheet, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.5:
        sheet = sheet[:, ::-1]
    top = int(random.integers(sheet.shape[0] - height + 1)) if sheet.shape[0] > height else 0
    sheet = sheet[top : top + height]
    below = height - sheet.shape[0]
    while sheet.shape[1] < width:
        sheet = np.hstack([sheet, sheet[:, ::-1]])
    left = int(random.integers(sheet.shape[1] - width + 1))
    sheet = sheet[:, left : left + width]
    return cv2.copyMakeBorder(sheet, 0, below, 0, 0, cv2.BORDER_REPLICATE)


def _printed(height: int, width: int, random: Random) -> Pattern:
    return _PATTERNS[random.integers(len(_PATTERNS))](height, width, random)


def _waves(height: int, width: int, random: Random) -> Pattern:
    """Draw a guilloche: parallel waves."""
    return _lines(height, width, random.uniform(-0.4, 0.4) + np.pi / 2, random)


def _hatching(height: int, width: int, random: Random) -> Pattern:
    angle = random.uniform(0, np.pi)
    return _lines(height, width, angle, random)


def _mesh(height: int, width: int, random: Random) -> Pattern:
    angle, opening = random.uniform(0, np.pi), random.uniform(0.4, 1.6)
    first = _lines(height, width, angle, random)
    return np.maximum(first, _lines(height, width, angle + opening, random))


def _lines(height: int, width: int, angle: float, random: Random) -> Pattern:
    y, x = np.ogrid[:height, :width]
    period = height * random.uniform(0.06, 0.25)
    swing = random.uniform(0, 2.5) if random.random() < 0.7 else 0.0
    wave = np.sin((x + random.uniform(-1, 1) * y) * (random.uniform(1, 7) / height))
    phase = (x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period) + swing * wave
    fineness = random.uniform(1.0, 6.0)
    return ((0.5 + 0.5 * np.sin(phase)) ** fineness).astype(np.float32)


def _dots(height: int, width: int, random: Random) -> Pattern:
    y, x = np.ogrid[:height, :width]
    period = height * random.uniform(0.06, 0.16)
    k, lean = 2 * np.pi / period, random.uniform(-0.5, 0.5)
    grid = (0.5 + 0.5 * np.sin(k * (x + lean * y))) * (0.5 + 0.5 * np.sin(k * y))
    return (grid ** random.uniform(1, 3)).astype(np.float32)


def _speckle(height: int, width: int, random: Random) -> Pattern:
    grain = random.random((height // 2 + 1, width // 2 + 1), dtype=np.float32)
    wide = cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(2 * wide - 1, 0, 1)


def _letters(height: int, width: int, random: Random) -> Pattern:
    """Draw faint, repeated print, like the name of a bank."""
    page = np.zeros((height, width), np.uint8)
    size = height / 22 * random.uniform(0.2, 0.6)
    for row in range(int(random.integers(4, 14)), height + 10, max(6, int(22 * size))):
        word = "".join(random.choice(list("ABCDEFGHKLMNPRSTUVX"), 40))
        start = -int(random.integers(0, 40))
        cv2.putText(page, word, (start, row), cv2.FONT_HERSHEY_SIMPLEX, size, 255, 1, cv2.LINE_AA)
    return page * np.float32(0.5 / 255)


def _cloud(height: int, width: int, random: Random) -> Pattern:
    coarse = random.standard_normal((3, 2 + width // 40), dtype=np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


_PATTERNS: tuple[Callable[[int, int, Random], Pattern], ...] = (
    _waves,
    _waves,
    _hatching,
    _mesh,
    _mesh,
    _dots,
    _speckle,
    _letters,
)
