"""Real amounts, and new ones assembled from their parts."""

from collections.abc import Sequence

import cv2
import numpy as np

from models.strips import Grey
from training.reader.amounts import Amount
from training.reader.ink import Random, paper_and_ink

_MIN_GAP = 2  # columns between two boxes, so that a cut harms neither digit
_HEIGHT = 56  # of an assembled strip, about the median of the real ones
_LONGEST = 8  # digits in an assembled strip


def part(amount: Amount, first: int, last: int) -> Grey:
    """Return the columns of `amount` from digit `first` to digit `last`, with the space around."""
    left = _cut(amount, first) if first else 0
    right = _cut(amount, last + 1) if last + 1 < len(amount.boxes) else amount.grey.shape[1]
    return amount.grey[:, left:right]


def cuts(amount: Amount) -> list[int]:
    """Return the digits before which `amount` can be cut, including 0 and its length."""
    boxes = amount.boxes
    between = [
        index
        for index in range(1, len(boxes))
        if boxes[index].x - boxes[index - 1].right >= _MIN_GAP
    ]
    return [0, *between, len(boxes)]


def splice(amounts: Sequence[Amount], random: Random) -> tuple[Grey, str]:
    """Assemble a strip of one to three parts of `amounts`; return it and its digits."""
    paper, ink = random.uniform(130, 230), random.uniform(20, 90)
    count = int(random.choice((1, 2, 3), p=(0.25, 0.5, 0.25)))
    pieces, digits = [], ""
    while len(pieces) < count:
        amount = amounts[random.integers(len(amounts))]
        first, last = _stretch(amount, random)
        if len(digits) + last + 1 - first > _LONGEST:
            break
        pieces.append(_matched(part(amount, first, last), paper, ink))
        digits += amount.digits[first : last + 1]
    return np.hstack(pieces), digits


def tighten(strip: Grey, amount: Amount, random: Random) -> Grey:
    """Crop `strip`, all of `amount`, closer to its digits, or leave it unchanged."""
    height, width = strip.shape
    left = min(max(box.x, 0) for box in amount.boxes)
    right = max(box.right for box in amount.boxes)
    top = min(max(box.y, 0) for box in amount.boxes)
    bottom = max(box.y + box.height for box in amount.boxes)
    keep = random.random(4) < 0.5
    shares = np.where(keep, 0.0, random.random(4))
    first_row, last_row = int(shares[0] * top), height - int(shares[1] * max(0, height - bottom))
    first, last = int(shares[2] * left), width - int(shares[3] * max(0, width - right))
    return strip[first_row:last_row, first:last]


def _stretch(amount: Amount, random: Random) -> tuple[int, int]:
    places = cuts(amount)
    first, end = sorted(random.choice(len(places), 2, replace=False))
    return places[first], places[end] - 1


def _cut(amount: Amount, digit: int) -> int:
    before, after = amount.boxes[digit - 1], amount.boxes[digit]
    return max(1, (before.right + after.x) // 2)


def _matched(piece: Grey, paper: float, ink: float) -> Grey:
    own_paper, own_ink = paper_and_ink(piece)
    gain = (paper - ink) / max(30.0, own_paper - own_ink)
    table = np.clip(paper + (np.arange(256) - own_paper) * gain, 0, 255).astype(np.uint8)
    width = max(4, round(piece.shape[1] * _HEIGHT / piece.shape[0]))
    return cv2.resize(cv2.LUT(piece, table), (width, _HEIGHT), interpolation=cv2.INTER_LINEAR)
