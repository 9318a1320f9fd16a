"""MNIST's test set."""

import os
from pathlib import Path

import numpy as np
import pytest

from models.mnist import TEST, DataError, Digits, load_part

_SHARED = Path(__file__).parents[2] / "shared" / "data"
# Where Keras downloads it.
_DOWNLOADED = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets" / "mnist.npz"


def find_mnist() -> Digits:
    """Return the 10,000 test images from `NUMERAL_DATA`, shared data or the download.

    Skips the test without them.
    """
    reasons = []
    for folder in filter(None, (os.environ.get("NUMERAL_DATA"), _SHARED)):
        try:
            return load_part(Path(folder), TEST)
        except DataError as error:
            reasons.append(str(error))
    if _DOWNLOADED.is_file():
        with np.load(_DOWNLOADED) as arrays:
            return Digits(arrays["x_test"], arrays["y_test"])
    reasons.append(f"{_DOWNLOADED}: is not there")
    pytest.skip(
        f"requires MNIST: set NUMERAL_DATA to a directory with its IDX files ({'; '.join(reasons)})"
    )
