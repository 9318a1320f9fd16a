"""Scores that export and service compute in the same way."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Above this `outlier`, an image more likely shows no digit than one.
MOST_OUTLIER = 0.5


def entropy(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the entropy of each row of `probabilities` [N, digits] in nats: float64 [N]."""
    wide = probabilities.astype(np.float64)
    logarithms = np.log(wide, out=np.zeros_like(wide), where=wide > 0)
    return np.asarray(-(wide * logarithms).sum(axis=-1))
