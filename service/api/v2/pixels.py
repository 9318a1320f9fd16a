"""The data of an `image` tensor to the images that a model is shown."""

from collections.abc import Sequence
from itertools import chain
from math import prod

import numpy as np

from models.manifest import IMAGE_SIDE
from service.inference.sessions import Images


def most_values(max_batch: int) -> int:
    """How many values, the lists among them, the JSON of the largest tensor has."""
    rows, pixels = IMAGE_SIDE, IMAGE_SIDE * IMAGE_SIDE
    return 1 + max_batch * (1 + rows + pixels)


def read(content: list[object] | memoryview, shape: Sequence[int]) -> Images:
    """The images, uint8 as `shape` says, without a copy where they are binary.

    Args:
        content: whole numbers, flat or nested, or a byte for each pixel.
        shape: [N, 28, 28].

    Raises:
        ValueError: there are more or fewer pixels, or they are none.
    """
    pixels = content if isinstance(content, memoryview) else _bytes(content, shape)
    if len(pixels) != prod(shape):
        raise ValueError(f"has {len(pixels)} values, the shape {list(shape)} says {prod(shape)}")
    return np.frombuffer(pixels, np.uint8).reshape(shape)


def _bytes(data: list[object], shape: Sequence[int]) -> bytes:
    try:
        return bytes(_flat(data, shape))  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"must have whole numbers from 0 to 255 as `data`, flat or nested as {list(shape)}"
        ) from error


def _flat(values: list[object], shape: Sequence[int]) -> list[object]:
    for size in shape[1:]:
        rows = [row for row in values if isinstance(row, list)]
        if not rows:
            break
        if len(rows) < len(values) or any(len(row) != size for row in rows):
            raise ValueError
        values = list(chain.from_iterable(rows))
    return values
