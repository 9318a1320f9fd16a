"""An actor: tasks to their files, one after another, with the model loaded once."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from models.manifest import read_model_file
from service.scoring.pieces import Task, pictures_of
from service.scoring.plan import task_at
from service.scoring.ray.folder import Folder
from service.scoring.ray.reading import Reader
from service.scoring.ray.stores import Stores
from service.scoring.scorer import Job, Scorer
from service.scoring.tally import Tally, tally_of
from service.version import version

# What a tally counts.
_COUNTED = ("decision", "reasons", "error")


class CannotWork(Exception):
    """What every worker needs is not on this one's machine."""


@dataclass(frozen=True)
class Order:
    """All that a worker needs, on whatever machine it is.

    Attributes:
        job: what is done to every task.
        model: the model's file: not every machine need have it.
        folder: where results go, and where the list of tasks is.
        column: where the pictures of tables are.
        workplace: the folder that paths are relative to; None where there are only addresses.
        version: that of Numeral.
    """

    job: Job
    model: bytes
    folder: str
    column: str | None
    workplace: str | None
    version: str


def ordered(job: Job, folder: str, column: str | None, *, addresses_only: bool) -> Order:
    """The order of this process: it has the model, and is where paths begin.

    Raises:
        ModelFileError: the model's file is not what its card describes.
    """
    model = read_model_file(job.what.directory, job.what.card)
    workplace = None if addresses_only else str(Path.cwd())
    return Order(job, model, folder, column, workplace, version())


class Worker:
    """Does the tasks of `order`: one that has its file is counted, another is read.

    Raises:
        CannotWork: this machine is not like the one that gave the order.
    """

    def __init__(self, order: Order) -> None:
        _compare(order)
        job = order.job
        self._columns, self._format = job.what.columns, job.format
        self._together = job.what.task_size
        self._folder = Folder(order.folder, Stores())
        self._plan = self._folder.plan()
        reader = Reader(order.column, job.max_bytes)
        with tempfile.TemporaryDirectory(prefix="numeral-ray-") as models:
            (Path(models) / job.what.card.file).write_bytes(order.model)
            own = replace(job.what, directory=Path(models))
            self._scorer = Scorer(replace(job, what=own), reader)

    def __call__(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Do the task with this number, at this place of the list; its tally as JSON."""
        number = int(task["number"])
        pieces = task_at(self._plan, int(task["place"]))
        tally = self._counted(number)
        # One that another run left there may have other pictures.
        if tally is None or tally.pictures != pictures_of(pieces):
            tally = self._read(number, pieces)
        return {"number": number, "tally": tally.model_dump_json()}

    def _counted(self, number: int) -> Tally | None:
        file = self._folder.open(number)
        if file is None:
            return None
        try:
            with file:
                rows = pa.parquet.read_table(file, columns=list(_COUNTED)).to_pylist()
        except (pa.ArrowException, OSError):
            # Somebody cut it off, or damaged it: it is made again.
            return None
        return tally_of(rows)

    def _read(self, number: int, pieces: Task) -> Tally:
        tally = Tally()
        parts = []
        rows = self._scorer.rows(pieces)
        while some := list(islice(rows, self._together)):
            parts.append(self._format.encode(self._columns, some))
            tally += tally_of(some)
        table = BytesIO()
        self._format.join(self._columns, map(BytesIO, parts), table)
        self._folder.put(number, table.getvalue())
        return tally


def _compare(order: Order) -> None:
    if version() != order.version:
        raise CannotWork(
            f"Numeral is {version()} here and {order.version} where the run began;"
            " install the same on every node"
        )
    if order.workplace is None:
        return
    # Rows name a path as it was given: it has to lead to the same file from here.
    try:
        os.chdir(order.workplace)
    except OSError as error:
        raise CannotWork(
            f"there is no folder {order.workplace} here; share it between the nodes, or name"
            " pictures and results by addresses such as s3://scans"
        ) from error
