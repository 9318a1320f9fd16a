"""What a run of the soak is to do, and with what."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.conditions import png
from benchmarks.serving.turns import Cores
from benchmarks.soak.exchange import request
from models.mnist import Images

_PNG = {"Content-Type": "image/png"}


@dataclass(frozen=True)
class Durations:
    """Seconds."""

    peak: int
    step: int
    overload: int
    calm: int
    kills: int
    troubled: int
    warm_up: int
    endurance: int


LONG = Durations(
    peak=10, step=15, overload=120, calm=10, kills=3, troubled=20, warm_up=60, endurance=600
)
QUICK = Durations(peak=3, step=4, overload=15, calm=3, kills=1, troubled=4, warm_up=5, endurance=25)


@dataclass(frozen=True)
class Plan:
    """What to do.

    Attributes:
        images: uint8 [N, 28, 28], the digits that are sent.
        workers: of the sections that need several.
    """

    cores: Cores
    model: str
    images: Images
    durations: Durations
    workers: int

    @property
    def files(self) -> list[bytes]:
        """The digits as PNG files."""
        return [png(image) for image in self.images]

    def singles(self, url: str, *, closing: bool = False) -> list[bytes]:
        """A whole request for each."""
        headers = _PNG | ({"Connection": "close"} if closing else {})
        return [request(url, "/predict", file, headers) for file in self.files]

    @contextmanager
    def generators(self, count: int | None = None) -> Iterator[ProcessPoolExecutor]:
        """Processes on the cores that the service leaves alone, warm."""
        count = count or min(2, len(self.cores.load))
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(count, context, _settle_on, (self.cores.load,)) as pool:
            list(pool.map(abs, range(count)))
            yield pool


def _settle_on(cores: Sequence[int]) -> None:
    os.sched_setaffinity(0, cores)
