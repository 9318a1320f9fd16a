"""`numeral score --engine ray`: Ray Data schedules, writes Parquet files and resumes.

The rows of its dataset name pictures. The actor that holds the model reads them, as the local
engine does: a missing or a huge file is a row with an error, and pictures stay out of Ray's object
store. Ray's checkpoint knows a picture by its `id`: the number of the SOURCE, the path, and the
number in an archive, an array or a table.

OUT contains Parquet files, `_numeral` (the request and Ray's checkpoint) until the run is complete,
and `_SUCCESS` from then on.
"""

import logging
import os
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import ray
import ray.data
from pydantic import ValidationError
from ray.data import ActorPoolStrategy, DataContext
from ray.data.block import BlockMetadata
from ray.data.checkpoint import CheckpointConfig
from ray.data.datasource import Datasource, FilenameProvider, ReadTask
from ray.exceptions import RayError

from models.manifest import read_model_file
from service.ray_cluster import ray_cluster
from service.scoring.checkpoint import CannotWrite, Listing, Run
from service.scoring.forms import FormMethod
from service.scoring.job import Job, Summary, WorkerFailed
from service.scoring.pieces import Piece, is_address
from service.scoring.reading import Method, Tally, tally_of, text_of
from service.scoring.sources import Task, pictures_of, pieces_of, tasks_of
from service.scoring.stores import StoreContents, arrow_filesystem, filesystem_of, list_source
from service.scoring.writers import record_batch, schema_of
from service.version import version

_HIDDEN, _SUCCESS = "_numeral", "_SUCCESS"
_RUN, _CHECKPOINT = f"{_HIDDEN}/run.json", f"{_HIDDEN}/checkpoint"
_PREFIX = "numeral"
_ID = pa.field("id", pa.string(), metadata={"about": "names the picture in Ray's checkpoint"})

# One task is lost work when its worker ends; a small one makes a small file. With this many per
# worker none waits long for the last one.
_TASKS_PER_WORKER = 16
_SMALLEST_TASK, _LARGEST_TASK = 4, 64

# For the actor that skips what is done; Ray reserves a gigabyte.
_FILTER_BYTES = 64 * 1024 * 1024


class CannotWork(Exception):
    """Error for a machine without what every worker needs."""


def score_on_ray(
    job: Job,
    out: str,
    request: Mapping[str, Any],
    *,
    address: str | None,
    overwrite: bool,
    progress: bool,
) -> Summary | None:
    """Write Parquet files into the folder `out`, or resume a run of the same `request`.

    Without `address`, Ray is started on this machine; without workers, an actor per core reads.
    Returns what was done; None if the folder was already complete.

    Raises:
        NoCluster, NoSuchSource, CannotWrite, WorkerFailed, OSError: it could not be done, or not
            now.
    """
    method = job.method
    folder = _Folder(out)
    if overwrite:
        folder.clear()
    complete = folder.complete(request)
    contents = StoreContents(job.max_bytes, job.tables, all_pages=method.all_pages)
    ignored = frozenset([out, str(Path(out).resolve())])
    listed = [list(pieces_of(list_source(source, ignored), contents)) for source in job.sources]
    tasks = ((piece,) for pieces in listed for piece in pieces)
    listing = Listing(tasks, contents, lambda *_: None)
    for _ in listing:
        pass
    if complete is not None:
        complete.check_list(listing, out)
        return None
    run = listing.run(request)
    job = job.with_tables(run, _ID.name)
    folder.check_tables(contents)
    folder.write(_RUN, run)
    before, tally = folder.checkpointed(), Tally()
    by_path = not all(map(is_address, (*job.sources, out)))
    actor = (
        job,
        {card.file: read_model_file(method.directory, card) for card in method.cards},
        str(Path.cwd()) if by_path else None,
        version(),
    )
    cores = (job.workers or job.cores) + 1
    # Ray prints what has ended in the cluster, and replaces it.
    with ray_cluster(address, cores, quiet=True) as cores, redirect_stdout(StringIO()):
        workers = job.workers or (cores if address else cores - 1)
        if run.pictures:
            source = _Pictures(listed, _task_size(method, run.pictures, workers))
            _run(source, actor, folder, workers, cores, progress=progress)
            tally = folder.tally()
    if tally.pictures < run.pictures:
        raise WorkerFailed(f"only {tally.pictures} of {run.pictures} pictures have rows")
    folder.write(_SUCCESS, run)
    folder.end()
    return Summary(tally, before, workers, run.skipped)


def _task_size(method: Method | FormMethod, pictures: int, workers: int) -> int:
    share = pictures // (method.task_size * workers * _TASKS_PER_WORKER)
    return method.task_size * max(_SMALLEST_TASK, min(_LARGEST_TASK, share))


def _run(
    source: "_Pictures",
    actor: tuple[Any, ...],
    folder: "_Folder",
    workers: int,
    cores: int,
    *,
    progress: bool,
) -> None:
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = DataContext.get_current()
    context.enable_progress_bars = progress
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    context.checkpoint_config = CheckpointConfig(
        _ID.name,
        folder.path(_CHECKPOINT),
        override_filesystem=folder.arrow,
        # `_SUCCESS` comes first.
        delete_checkpoint_on_success=False,
    )
    context.checkpoint_config.checkpoint_actor_memory_bytes = _FILTER_BYTES
    try:
        # Reading and writing need no core of their own. One is left for the actor that skips what
        # is done.
        ray.data.read_datasource(
            source, num_cpus=0, override_num_blocks=len(source.tasks)
        ).map_batches(
            _Actor,
            fn_constructor_args=actor,
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(
                min_size=1, max_size=workers, initial_size=max(1, min(workers, cores - 1))
            ),
            num_cpus=min(1, cores - 1),
        ).write_parquet(
            folder.root,
            filesystem=folder.arrow,
            filename_provider=FilenameProvider(_PREFIX, "parquet"),
            ray_remote_args={"num_cpus": 0},
            schema=pa.schema([_ID, *schema_of(actor[0].columns)]),
            compression="zstd",
        )
    except RayError as error:
        raise WorkerFailed(str(getattr(error, "cause", None) or error)) from error


class _Pictures(Datasource):
    """Names pictures, a block per task."""

    def __init__(self, listed: list[list[Piece]], task_size: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tasks = [
            (number, task)
            for number, pieces in enumerate(listed)
            for task in tasks_of(pieces, task_size)
        ]

    def estimate_inmemory_data_size(self) -> None:
        """Leave the size to Ray: it is small."""

    def get_read_tasks(
        self,
        parallelism: int,
        per_task_row_limit: int | None = None,
        data_context: DataContext | None = None,
    ) -> list[ReadTask]:
        """Return a read task per task."""
        return [
            ReadTask(
                partial(_block, number, task),
                BlockMetadata(pictures_of(task), None, None, None),
                per_task_row_limit=per_task_row_limit,
            )
            for number, task in self.tasks
        ]


def _block(number: int, task: Task) -> list[pa.Table]:
    pictures = [(each.source, n) for each in task for n in range(each.start, each.stop)]
    columns = {
        # The same file may be in two SOURCEs.
        _ID.name: [f"{number}:{text_of(source)}:{n}" for source, n in pictures],
        "source": pa.array([os.fsencode(source) for source, _ in pictures], pa.binary()),
        "number": [n for _, n in pictures],
    }
    return [pa.table(columns)]


def _pieces(block: pa.Table) -> list[Piece]:
    pieces: list[Piece] = []
    for name, number in zip(block["source"].to_pylist(), block["number"].to_pylist(), strict=True):
        source = os.fsdecode(name)
        if pieces and (pieces[-1].source, pieces[-1].stop) == (source, number):
            pieces[-1] = pieces[-1]._replace(stop=number + 1)
        else:
            pieces.append(Piece(source, number, number + 1))
    return pieces


class _Actor:
    """Reads blocks of `_Pictures`, with the model loaded once, or raises `CannotWork`."""

    def __init__(
        self, job: Job, files: Mapping[str, bytes], folder: str | None, numeral: str
    ) -> None:
        if version() != numeral:
            raise CannotWork(
                f"Numeral is {version()} here and {numeral} where the run began; install the same"
                " version on every node"
            )
        try:
            os.chdir(folder or ".")
        except OSError as error:
            raise CannotWork(
                f"there is no folder {folder} here; share it between the nodes, or name pictures"
                " and results by addresses such as s3://scans"
            ) from error
        method = job.method
        self._columns = job.columns
        self._contents = StoreContents(job.max_bytes, job.tables, all_pages=method.all_pages)
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as models:
            # Not every node has the models.
            for name, content in files.items():
                (Path(models) / name).write_bytes(content)
            self._scorer = replace(job, method=replace(method, directory=Path(models))).scorer()

    def __call__(self, block: pa.Table) -> pa.Table:
        """Read the pictures of `block`."""
        rows = list(self._scorer.rows(self._contents.of(_pieces(block))))
        table = pa.Table.from_batches([record_batch(self._columns, rows)])
        return table.add_column(0, _ID, block[_ID.name])


class _Folder:
    """The folder of the results, a path or an address; raises `CannotWrite` if it is unusable."""

    def __init__(self, name: str) -> None:
        self._name = name
        try:
            self._files, self.root = filesystem_of(name)
            self.arrow = arrow_filesystem(self._files)
            self._files.makedirs(self.root, exist_ok=True)
        except Exception as error:
            # Which one it is depends on the store and its library.
            raise CannotWrite(f"{name} cannot be used: {error}") from error

    def path(self, name: str) -> str:
        """Return the path of the file `name`."""
        return f"{self.root}/{name}"

    def complete(self, request: Mapping[str, Any]) -> Run | None:
        """Return the complete run of `request` that is here; None: there is something to do.

        Raises:
            CannotWrite: there is something else here.
        """
        run, complete = self._read(_RUN), self._read(_SUCCESS)
        if run is not None:
            run.check_request(request, self._name)
            return None
        if complete is not None and complete.request != request:
            raise CannotWrite(f"{self._name} is complete already; --overwrite replaces it")
        others = [name for name in self._names() if name != _HIDDEN]
        if complete is None and others:
            raise CannotWrite(
                f"{self._name} has {others[0]}, which belongs to no run; name an empty folder"
            )
        return complete

    def check_tables(self, contents: StoreContents) -> None:
        """Raise CannotWrite if a run that is resumed has listed another table."""
        if run := self._read(_RUN):
            run.check_tables(contents)

    def write(self, name: str, run: Run) -> None:
        """Write `run` to the file `name`."""
        self._files.makedirs(self.path(_HIDDEN), exist_ok=True)
        self._files.pipe_file(self.path(name), run.model_dump_json().encode())

    def checkpointed(self) -> int:
        """Return how many pictures have rows."""
        found = self._names(_CHECKPOINT)
        done = [self.path(f"{_CHECKPOINT}/{name}") for name in found if ".pending." not in name]
        return pyarrow.dataset.dataset(done, filesystem=self.arrow).count_rows() if done else 0

    def tally(self) -> Tally:
        """Count the rows."""
        rows = pyarrow.dataset.dataset(self.root, filesystem=self.arrow, format="parquet")
        batches = rows.to_batches(columns=["decision", "reasons", "error"])
        return sum((tally_of(batch.to_pylist()) for batch in batches), Tally())

    def clear(self) -> None:
        """Remove what a run has written."""
        if self._read(_RUN) is None and self._read(_SUCCESS) is None:
            return
        # What is left if this is interrupted belongs to a run that nothing can resume.
        self.write(_RUN, Run(request={}, pictures=0, digest=""))
        if self._names(_CHECKPOINT):
            self._files.rm(self.path(_CHECKPOINT), recursive=True)
        for name in self._names():
            if name == _SUCCESS or (name.startswith(f"{_PREFIX}_") and name.endswith(".parquet")):
                self._files.rm_file(self.path(name))
        self.end()

    def end(self) -> None:
        """Remove what only an unfinished run needs."""
        # First what says that the checkpoint is complete.
        self._files.rm_file(self.path(_RUN))
        self._files.rm(self.path(_HIDDEN), recursive=True)

    def _read(self, name: str) -> Run | None:
        with suppress(FileNotFoundError, ValidationError):
            return Run.model_validate_json(self._files.cat_file(self.path(name)))
        return None

    def _names(self, folder: str = "") -> list[str]:
        with suppress(FileNotFoundError):
            found = self._files.ls(self.path(folder), detail=False)
            return [path.rstrip("/").rpartition("/")[2] for path in found]
        return []
