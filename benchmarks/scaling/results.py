"""What the benchmark of bulk scoring finds, as it stands in scaling.json."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Engine = Literal["local", "ray"]


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True)


class Speed(_Found):
    """One engine with so many workers.

    Attributes:
        pictures_per_second: of the whole command, from its start to its end.
        start_seconds: what the same command takes for a single picture.
        memory_mb: the most that all its processes held at once; what several share counts once.
        workers_mb: the share of the processes that read, at that moment.
    """

    engine: Engine
    workers: int
    seconds: float
    pictures_per_second: float
    start_seconds: float
    memory_mb: float
    workers_mb: float


class Killed(_Found):
    """Two nodes, of which one was killed half way.

    Attributes:
        done_before: pictures whose rows were there when the node was killed.
        rows: in the result.
        once, missing, repeated: pictures by how often they are in it.
        as_local: whether all rows are those of the local engine.
        workers_before, workers_after: how many read.
    """

    seconds: float
    done_before: int
    rows: int
    once: int
    missing: int
    repeated: int
    as_local: bool
    workers_before: int
    workers_after: int


class Results(_Found):
    """Everything that one run found."""

    command: str
    machine: str
    version: str
    ray: str
    model: str
    pictures: int
    side: int
    speeds: tuple[Speed, ...]
    killed: Killed
