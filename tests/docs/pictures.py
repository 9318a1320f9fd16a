"""Draws the pictures of the tutorials, of strokes alone: `python -m tests.docs.pictures`."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.pen import drawn_digits

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"

Grey = NDArray[np.uint8]

# Written by these pens, two are accepted and one is for a person to look at.
_INBOX = {"monday-1": ("94110", 29), "monday-2": ("10027", 26), "tuesday-1": ("60614", 10)}
_INK, _PAPER = 50, 236
_ADVANCE = 40


def main() -> None:
    """Write a ZIP code, a cheque, and an inbox of ZIP codes, one of which is no picture."""
    _write("zip_code.png", _strip("30318", seed=2))
    _write("cheque.png", _cheque(_strip("2750", seed=15)))
    for name, (code, seed) in _INBOX.items():
        _write(f"inbox/{name}.png", _strip(code, seed=seed))
    (FOLDER / "inbox" / "tuesday-2.png").write_bytes(b"cut off by the scanner")


def _strip(text: str, seed: int) -> Grey:
    """`text` by one pen: [72, width], dark on light."""
    digits = drawn_digits(200, seed)
    strip = np.zeros((72, _ADVANCE * len(text) + 24), np.uint8)
    for place, digit in enumerate(text):
        drawn = digits.images[int(digit) + 10 * place]
        left = 8 + _ADVANCE * place
        strip[8:64, left : left + 56] |= cv2.resize(drawn, (56, 56), interpolation=cv2.INTER_CUBIC)
    return np.rint(_PAPER - strip * ((_PAPER - _INK) / 255)).astype(np.uint8)


def _cheque(amount: Grey) -> Grey:
    """A cheque with its amount in a box at the right."""
    cheque = np.full((240, 560), _PAPER, np.uint8)
    for height in (60, 110, 200):
        cv2.line(cheque, (24, height), (330, height), 150, 1)
    cv2.putText(cheque, "PAY", (24, 52), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 120, 1, cv2.LINE_AA)
    cv2.rectangle(cheque, (350, 70), (540, 150), 120, 2)
    height, width = amount.shape
    cheque[74 : 74 + height, 354 : 354 + width] = amount
    return cheque


def _write(name: str, picture: Grey) -> None:
    path = FOLDER / name
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), picture)


if __name__ == "__main__":
    main()
