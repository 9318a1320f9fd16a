"""Batches of strips without end, drawn by processes of their own beside the training."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from models.strips import pad
from training.reader.samples import Material, Mixture, Sample, draw
from training.reader.targets import Targets, targets

PROCESSES = 2
POOL = 4  # batches drawn at once and sorted by width, so that little is padded
_AHEAD = 6  # pools
_DRAWS, _SHUFFLE = 11, 12  # streams of random numbers that must not be one another's

Batch = tuple[NDArray[np.uint8], Targets]  # strips [N, 40, width] and targets of the loss


def batches(
    material: Material, mixture: Mixture, size: int, *, seed: int, first: int
) -> Iterator[Batch]:
    """Batches of `size` from pool number `first` on; what they hold depends on seed and number."""
    # Processes forked from one that runs TensorFlow would inherit its locks.
    with ProcessPoolExecutor(
        PROCESSES, get_context("spawn"), initializer=_begin, initargs=(material, mixture)
    ) as processes:
        coming = deque(
            processes.submit(_pool, seed, first + ahead, size) for ahead in range(_AHEAD)
        )
        following = first + _AHEAD
        while True:
            yield from coming.popleft().result()
            coming.append(processes.submit(_pool, seed, following, size))
            following += 1


def batch(samples: Sequence[Sample]) -> Batch:
    """`samples` side by side, padded to the widest."""
    strips = pad([sample.pixels for sample in samples])
    texts = [sample.text for sample in samples]
    return strips, targets(texts, [sample.separators_labelled for sample in samples])


_made_of: tuple[Material, Mixture]  # of a drawing process; set when it begins


def _begin(material: Material, mixture: Mixture) -> None:
    global _made_of  # noqa: PLW0603 - a process pool hands its workers nothing else
    cv2.setNumThreads(1)
    _made_of = material, mixture


def _pool(seed: int, number: int, size: int) -> list[Batch]:
    random = np.random.default_rng((_DRAWS, seed, number))
    samples = [draw(*_made_of, random) for _ in range(POOL * size)]
    samples.sort(key=lambda sample: sample.pixels.shape[1])
    drawn = [batch(samples[start : start + size]) for start in range(0, len(samples), size)]
    order = np.random.default_rng((_SHUFFLE, seed, number)).permutation(len(drawn))
    return [drawn[place] for place in order]
