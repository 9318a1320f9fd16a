"""MNIST for the tests that measure with it."""

import os
from pathlib import Path

import numpy as np
import pytest

from models.mnist import TEST, DataError, Digits, Part, load_part

_SHARED = Path(__file__).parents[2] / "shared" / "data"


def downloaded() -> Path:
    """The file that `training.data` downloads through Keras."""
    keras_home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    return keras_home / "datasets" / "mnist.npz"


def find_folder(*parts: Part) -> Path | None:
    """The directory with the files of `parts`: `NUMERAL_DATA` or the shared data.

    None stands for Keras's download. Without any of them the test is skipped.
    """
    configured = os.environ.get("NUMERAL_DATA")
    reasons = [] if configured else ["NUMERAL_DATA is not set"]
    for folder in filter(None, (configured, _SHARED)):
        try:
            for part in parts:
                load_part(Path(folder), part)
        except DataError as error:
            reasons.append(str(error))
        else:
            return Path(folder)
    if downloaded().is_file():
        return None
    reasons.append(f"{downloaded()}: does not exist")
    pytest.skip(f"MNIST is not on this machine: {'; '.join(reasons)}")


def find_mnist() -> Digits:
    """The 10,000 test images; without them the test is skipped."""
    folder = find_folder(TEST)
    if folder:
        return load_part(folder, TEST)
    with np.load(downloaded()) as arrays:
        return Digits(arrays["x_test"], arrays["y_test"])
