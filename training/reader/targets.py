"""Texts as targets of the loss."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.strips import BLANK, SYMBOLS

Targets = NDArray[np.int32]  # [N, 1 + symbols]: 1 if separators are labelled; classes; 0 after them


def targets(texts: Sequence[str], separators_labelled: Sequence[bool]) -> Targets:
    """Encode texts; a text without labelled separators has digits only."""
    longest = max(1, *map(len, texts))
    encoded = np.full((len(texts), 1 + longest), BLANK, np.int32)
    for row, text, labelled in zip(encoded, texts, separators_labelled, strict=True):
        row[0] = labelled
        row[1 : 1 + len(text)] = [1 + SYMBOLS.index(symbol) for symbol in text]
    return encoded
