"""Endless batches of strips, drawn by separate processes during training."""

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
POOL = 4  # batches drawn together and sorted by width, to reduce padding
_AHEAD = 6  # pools
_DRAWS, _SHUFFLE = 11, 12  # distinct streams of random numbers

Batch = tuple[NDArray[np.uint8], Targets]  # strips [N, 40, width] and targets of the loss


def batches(
    material: Material, mixture: Mixture, size: int, *, seed: int, first: int
) -> Iterator[Batch]:
    """Yield batches of `size` from pool `first` on; they depend on seed and pool only."""
    # Spawned, because forks of a process that runs TensorFlow would inherit its locks.
    with ProcessPoolExecutor(
        PROCESSES, get_context("spawn"), initializer=_initialise, initargs=(material, mixture)
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
    """Stack `samples`, padded to the widest, with their targets."""
    strips = pad([sample.pixels for sample in samples])
    texts = [sample.text for sample in samples]
    return strips, targets(texts, [sample.separators_labelled for sample in samples])


_sources: tuple[Material, Mixture]  # of a drawing process, set at its start


def _initialise(material: Material, mixture: Mixture) -> None:
    global _sources  # noqa: PLW0603 - the only way to pass data to workers of a pool
    cv2.setNumThreads(1)
    _sources = material, mixture


def _pool(seed: int, number: int, size: int) -> list[Batch]:
    random = np.random.default_rng((_DRAWS, seed, number))
    samples = [draw(*_sources, random) for _ in range(POOL * size)]
    samples.sort(key=lambda sample: sample.pixels.shape[1])
    drawn = [batch(samples[start : start + size]) for start in range(0, len(samples), size)]
    order = np.random.default_rng((_SHUFFLE, seed, number)).permutation(len(drawn))
    return [drawn[place] for place in order]
