"""What export chooses thresholds on and the service decides by: the same sums on both sides."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def entropy(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The entropy of each row of `probabilities` [N, digits], in nats: float64 [N]."""
    wide = probabilities.astype(np.float64)
    logarithms = np.log(wide, out=np.zeros_like(wide), where=wide > 0)
    return np.asarray(-(wide * logarithms).sum(axis=-1))
