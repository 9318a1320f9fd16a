"""Draws the pictures of the documentation from strokes: `python -m tests.docs.pictures`."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.pages.logbook import draw_page
from benchmarks.pen import drawn_digits

DOCS = Path(__file__).parents[2] / "docs"
TUTORIALS = DOCS / "tutorials"

Picture = NDArray[np.uint8]

# Two of these are accepted, and one needs review.
_INBOX = {"monday-1": ("94110", 29), "monday-2": ("10027", 26), "tuesday-1": ("60614", 10)}
_INK, _PAPER = 50, 236

# A title above each column, then numbers; None is an empty cell.
_LOGBOOK: list[list[str | None]] = [
    ["day", "visits", "doses", "note"],
    ["3", "27", "1240", None],
    ["4", "35", "873", "late"],
    ["5", "42", None, None],
    ["6", "31", "2507", "new"],
    ["7", "54", "936", None],
]
_ADVANCE = 40

_STROKES_OF_4 = [
    [
        (158, 118),
        (150, 150),
        (138, 190),
        (124, 226),
        (114, 252),
        (118, 262),
        (160, 266),
        (252, 262),
    ],
    [(222, 138), (218, 190), (214, 260), (206, 330), (200, 372)],
]


def main() -> None:
    """Write a photo of a digit, a ZIP code, a cheque, and an inbox with an unreadable file."""
    _write(DOCS / "photo.jpg", _photo())
    _write(TUTORIALS / "zip_code.png", _strip("30318", seed=2))
    _write(TUTORIALS / "cheque.png", _cheque(_strip("2750", seed=15)))
    for name, (code, seed) in _INBOX.items():
        _write(TUTORIALS / "inbox" / f"{name}.png", _strip(code, seed=seed))
    (TUTORIALS / "logbook.jpg").write_bytes(_logbook())
    (TUTORIALS / "inbox" / "tuesday-2.png").write_bytes(b"cut off by the scanner")


def _photo() -> Picture:
    """Draw a photo of a 4: [480, 360, 3], blue ink on ruled paper, in uneven light."""
    random = np.random.default_rng(5)
    paper = np.full((480, 360, 3), (226, 236, 238), np.uint8)
    for row in range(36, 480, 72):
        cv2.line(paper, (0, row), (359, row + 6), (205, 190, 170), 2, cv2.LINE_AA)
    for stroke in _STROKES_OF_4:
        cv2.polylines(paper, [np.array(stroke)], False, (110, 50, 35), 11, cv2.LINE_AA)
    light = np.linspace(1.0, 0.62, 360)[None, :, None] * np.linspace(1.0, 0.85, 480)[:, None, None]
    photo = cv2.GaussianBlur(paper, (0, 0), 1.2) * light + random.normal(0, 4, (480, 360, 1))
    return np.clip(photo, 0, 255).astype(np.uint8)


def _strip(text: str, seed: int, *, widest: int = 3) -> Picture:
    """Draw `text` with one pen: [72, width], dark on light."""
    digits = drawn_digits(200, seed, widest=widest)
    strip = np.zeros((72, _ADVANCE * len(text) + 24), np.uint8)
    for place, digit in enumerate(text):
        drawn = digits.images[int(digit) + 10 * place]
        left = 8 + _ADVANCE * place
        strip[8:64, left : left + 56] |= cv2.resize(drawn, (56, 56), interpolation=cv2.INTER_CUBIC)
    return np.rint(_PAPER - strip * ((_PAPER - _INK) / 255)).astype(np.uint8)


def _logbook(seed: int = 25) -> bytes:
    """Photograph a page of `_LOGBOOK`, as a JPEG file."""
    texts = [text for row in _LOGBOOK for text in row]
    cells = [
        text and (_strip(text, seed + place, widest=2) if text.isdigit() else _print(text), text)
        for place, text in enumerate(texts)
    ]
    return draw_page(cells, len(_LOGBOOK[0]), np.random.default_rng(4), bent=True).jpeg


def _print(text: str) -> Picture:
    strip = np.full((72, 22 * len(text) + 24), _PAPER, np.uint8)
    cv2.putText(strip, text, (12, 46), cv2.FONT_HERSHEY_DUPLEX, 0.9, 90, 1, cv2.LINE_AA)
    return strip


def _cheque(amount: Picture) -> Picture:
    """Draw a cheque with its amount in a box on the right."""
    cheque = np.full((240, 560), _PAPER, np.uint8)
    for height in (60, 110, 200):
        cv2.line(cheque, (24, height), (330, height), 150, 1)
    cv2.putText(cheque, "PAY", (24, 52), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 120, 1, cv2.LINE_AA)
    cv2.rectangle(cheque, (350, 70), (540, 150), 120, 2)
    height, width = amount.shape
    cheque[74 : 74 + height, 354 : 354 + width] = amount
    return cheque


def _write(path: Path, picture: Picture) -> None:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), picture)


if __name__ == "__main__":
    main()
