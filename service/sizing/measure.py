"""One core's time for each step of reading, picture by picture and in batches."""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

BATCH = 64

_NS_PER_S = 1_000_000_000


class Reads(Protocol):
    """A pipeline, of digits or of fields."""

    def decode(self, content: Any) -> Any:  # noqa: ANN401 - each has types of its own
        """The pixels of a file."""

    def normalise(self, picture: Any) -> Any:  # noqa: ANN401
        """What a model can be shown of a picture."""

    def read(self, contents: Sequence[Any]) -> Sequence[object]:
        """Answers, from files or from what is ready."""


class Figures(BaseModel):
    """How fast one model is on one core; medians over rounds, where nothing else is said."""

    model_config = ConfigDict(frozen=True)

    model: str
    version: str
    pictures: str = Field(description="What was read.")
    decode_us: float = Field(description="To decode a picture, alone.")
    normalise_us: float = Field(description="To find the ink and bring it to the model's form.")
    model_us: float = Field(description="To run the model on one picture, and to decide.")
    one_ms: float = Field(description="All of that together.")
    one_p99_ms: float = Field(description="The 99th percentile of all rounds.")
    one_by_one_per_s: float
    batched_per_s: float = Field(description=f"In batches of {BATCH}.")
    batched_per_s_low: float = Field(description="In the slowest round.")
    batched_per_s_high: float = Field(description="In the fastest.")


@dataclass(frozen=True)
class Contender:
    """A model that is to be measured, and on what.

    Attributes:
        name: the model's.
        version: the model's.
        reads: its pipeline.
        pictures: what they are, in words.
        files: the pictures.
    """

    name: str
    version: str
    reads: Reads
    pictures: str
    files: Sequence[bytes]


@dataclass
class _Times:
    # In ns; a row for each picture, its steps in columns; and pictures a second, for each round.
    steps: list[tuple[int, int, int]] = field(default_factory=list)
    one_by_one: list[float] = field(default_factory=list)
    batched: list[float] = field(default_factory=list)


def measure(
    contenders: Sequence[Contender], *, rounds: int, seconds: float, tell: Callable[[], None]
) -> list[Figures]:
    """Measure each of `contenders` in turn, `rounds` times: what disturbs, disturbs them all.

    Args:
        contenders: the models.
        rounds: how often each has its turn; one before is not counted.
        seconds: how long each way of reading is measured in a round.
        tell: is called after each turn.
    """
    times = [_Times() for _ in contenders]
    for number in range(rounds + 1):
        for contender, taken in zip(contenders, times, strict=True):
            _take_turn(contender, taken if number else _Times(), seconds)
            tell()
    return [_figures(*each) for each in zip(contenders, times, strict=True)]


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one of its cores for the block, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _take_turn(contender: Contender, times: _Times, seconds: float) -> None:
    files = cycle(contender.files)
    reads = contender.reads
    began = time.perf_counter_ns()
    end = began + seconds * _NS_PER_S
    now, count = began, 0
    while now < end:
        picture = reads.decode(next(files))
        decoded = time.perf_counter_ns()
        ready = reads.normalise(picture)
        normalised = time.perf_counter_ns()
        reads.read([ready])
        done = time.perf_counter_ns()
        times.steps.append((decoded - now, normalised - decoded, done - normalised))
        now, count = done, count + 1
    times.one_by_one.append(count * _NS_PER_S / (now - began))

    began = now = time.perf_counter_ns()
    end, count = began + seconds * _NS_PER_S, 0
    while now < end:
        reads.read(list(islice(files, BATCH)))
        now, count = time.perf_counter_ns(), count + BATCH
    times.batched.append(count * _NS_PER_S / (now - began))


def _figures(contender: Contender, times: _Times) -> Figures:
    steps = np.array(times.steps)
    decode, normalise, model = np.median(steps, axis=0) / 1e3
    together = steps.sum(axis=1) / 1e6
    return Figures(
        model=contender.name,
        version=contender.version,
        pictures=contender.pictures,
        decode_us=decode,
        normalise_us=normalise,
        model_us=model,
        one_ms=np.median(together),
        one_p99_ms=np.percentile(together, 99),
        one_by_one_per_s=statistics.median(times.one_by_one),
        batched_per_s=statistics.median(times.batched),
        batched_per_s_low=min(times.batched),
        batched_per_s_high=max(times.batched),
    )
