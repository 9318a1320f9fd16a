"""`numeral score --engine ray`: Ray Data lists, schedules, writes Parquet and resumes.

Rows of a dataset name pictures; the actor that holds the model fetches their bytes, with the local
engine's limits, so that a missing or a huge file is a row with an error and pictures do not pass
through Ray's object store. Ray's checkpoint knows a picture by its column `id`: the number of
the SOURCE, the path, and the number within an archive, an array or a table.

`OUT` contains Parquet files, `_numeral/` (the request and Ray's checkpoint) until the run is
complete, and then `_SUCCESS`.
"""

import logging
import os
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from functools import partial
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
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
from service.scoring.contents import Archives, Item, Piece, archive_contents, contents, is_archive
from service.scoring.job import Job, Summary, WorkerFailed
from service.scoring.reading import Digits, Fields, Scorer, Tally, tally_of, text_of
from service.scoring.sources import Task, pictures_of, tasks_of
from service.scoring.stores import (
    arrow_filesystem,
    fetch,
    filesystem_of,
    is_address,
    is_table,
    list_everywhere,
    open_source,
    table_contents,
)
from service.scoring.writers import record_batch, schema_of
from service.version import version

_HIDDEN, _SUCCESS = "_numeral", "_SUCCESS"
_RUN, _CHECKPOINT = f"{_HIDDEN}/run.json", f"{_HIDDEN}/checkpoint"
_PREFIX = "numeral"
_ID = pa.field("id", pa.string(), metadata={"about": "names the picture in Ray's checkpoint"})

# One task is lost work when its worker ends; a small one makes a small file. With this many per
# worker none waits long for the last one.
_TASKS_PER_WORKER = 16
_LARGEST_TASK = 16

# Object stores are slow to answer, and answer many requests at once.
_FETCHED_AT_ONCE = 16

# For the actor that skips what is done; Ray reserves a gigabyte.
_FILTER_BYTES = 64 * 1024 * 1024


class CannotWork(Exception):
    """Error for a machine without what every worker needs."""


def score_on_ray(
    job: Job,
    out: str,
    request: Mapping[str, Any],
    *,
    column: str | None,
    address: str | None,
    overwrite: bool,
    progress: bool,
) -> Summary | None:
    """Write the rows to Parquet files in the folder `out`, or resume a run of the same `request`.

    Args:
        job: what is read; without `workers`, by an actor per core.
        out: a path or an address.
        request: everything that the rows depend on, as JSON values.
        column: the column of pictures in Parquet files; None: the only one that can be it.
        address: the cluster; None starts one on this machine.
        overwrite: start over, whatever is there.
        progress: whether to show Ray's progress bars.

    Returns:
        What was done; None if the folder was already complete.

    Raises:
        NoCluster, NoSuchSource, CannotWrite, WorkerFailed, OSError: it could not be done, or not
            now.
    """
    method = job.method
    folder = _Folder(out)
    if overwrite:
        folder.clear()
    run, complete = folder.read(_RUN), folder.read(_SUCCESS)
    if run is not None:
        run.check_request(request, out)
    elif complete is None and (names := folder.names()):
        raise CannotWrite(f"{out} has {names[0]}, which belongs to no run; name an empty folder")
    elif complete is not None and complete.request != request:
        raise CannotWrite(f"{out} is complete already; --overwrite replaces it")
    ignored = frozenset([out, str(Path(out).resolve())])
    listed = [list(list_everywhere([source], ignored)) for source in job.sources]
    listing = Listing(lambda _: None)
    for _ in listing.lines((piece,) for pieces in listed for piece in pieces):
        pass
    if run is None and complete is not None:
        complete.check_list(listing.digest, out)
        return None
    run = Run(request=request, pictures=listing.pictures, digest=listing.digest)
    folder.write(_RUN, run)
    before = folder.checkpointed()
    model = read_model_file(method.directory, method.card)
    # Ray prints what has ended in the cluster, and replaces it.
    with (
        ray_cluster(address, (job.workers or job.cores) + 1, quiet=True) as cores,
        redirect_stdout(StringIO()),
    ):
        workers = job.workers or (cores if address else cores - 1)
        if run.pictures:
            source = _Pictures(listed, _task_size(method, run.pictures, workers))
            actor = (method, model, job.max_bytes, column, str(Path.cwd()), version())
            _run(source, actor, folder, workers, cores, progress=progress)
    tally = folder.tally() if run.pictures else Tally()
    if tally.pictures < run.pictures:
        raise WorkerFailed(f"only {tally.pictures} of {run.pictures} pictures have rows")
    folder.write(_SUCCESS, run)
    folder.end()
    return Summary(tally, before, workers)


def _task_size(method: Digits | Fields, pictures: int, workers: int) -> int:
    share = pictures // (method.task_size * workers * _TASKS_PER_WORKER)
    return method.task_size * max(1, min(_LARGEST_TASK, share))


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
        override_filesystem=folder.files,
        # `_SUCCESS` comes first.
        delete_checkpoint_on_success=False,
    )
    context.checkpoint_config.checkpoint_actor_memory_bytes = _FILTER_BYTES
    columns = actor[0].columns
    try:
        # Reading and writing need no core of their own.
        ray.data.read_datasource(
            source, num_cpus=0, override_num_blocks=len(source.tasks)
        ).map_batches(
            _Actor,
            fn_constructor_args=actor,
            batch_size=None,
            batch_format="pyarrow",
            # One core is left for the actor that skips what is done.
            compute=ActorPoolStrategy(
                min_size=1, max_size=workers, initial_size=max(1, min(workers, cores - 1))
            ),
            num_cpus=min(1, cores - 1),
        ).write_parquet(
            folder.root,
            filesystem=folder.files,
            filename_provider=FilenameProvider(_PREFIX, "parquet"),
            ray_remote_args={"num_cpus": 0},
            schema=pa.schema([_ID, *schema_of(columns)]),
            compression="zstd",
        )
    except RayError as error:
        raise WorkerFailed(str(getattr(error, "cause", None) or error)) from error


class _Pictures(Datasource):
    """Names pictures, for the actors to fetch.

    Args:
        listed: the pieces of each SOURCE.
        task_size: how many pictures a block has.
    """

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
        """Return a block per task."""
        return [
            ReadTask(
                partial(_blocks, number, task),
                BlockMetadata(pictures_of(task), None, None, None),
                per_task_row_limit=per_task_row_limit,
            )
            for number, task in self.tasks
        ]


def _blocks(number: int, task: Task) -> list[pa.Table]:
    pictures = [(each.source, n) for each in task for n in range(each.start, each.stop)]
    return [
        pa.table(
            {
                # The same file may be in two SOURCEs.
                _ID.name: [f"{number}:{text_of(name)}:{n}" for name, n in pictures],
                "source": pa.array([os.fsencode(name) for name, _ in pictures], pa.binary()),
                "number": [n for _, n in pictures],
            }
        )
    ]


class _Actor:
    """Reads blocks of `_Pictures`, with the model loaded once.

    Raises:
        CannotWork: this machine is not like the one that the run began on.
    """

    def __init__(
        self,
        method: Digits | Fields,
        model: bytes,
        max_bytes: int,
        column: str | None,
        folder: str,
        numeral: str,
    ) -> None:
        if version() != numeral:
            raise CannotWork(
                f"Numeral is {version()} here and {numeral} where the run began; install the same"
                " version on every node"
            )
        # A node that shares no folders can still read addresses.
        with suppress(OSError):
            os.chdir(folder)
        self._columns = method.columns
        self._max_bytes = max_bytes
        self._column = column
        self._archives, self._remote_archives = Archives(), Archives(open_source)
        self._threads = ThreadPoolExecutor(_FETCHED_AT_ONCE)
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as models:
            # Not every node has the models.
            (Path(models) / method.card.file).write_bytes(model)
            self._scorer = Scorer(replace(method, directory=Path(models)), max_bytes)

    def __call__(self, block: pa.Table) -> pa.Table:
        """Read the pictures of `block`."""
        rows = list(self._scorer.rows_of(self._items(_pieces(block))))
        table = pa.Table.from_batches([record_batch(self._columns, rows)])
        return table.add_column(0, _ID, block[_ID.name])

    def _items(self, pieces: list[Piece]) -> Iterator[Item]:
        for fetched, several in groupby(pieces, _is_fetched):
            if fetched:
                yield from self._fetched(several)
                continue
            for piece in several:
                if is_table(piece.source):
                    yield from table_contents(piece, self._column, self._max_bytes)
                elif is_address(piece.source):
                    archives = self._remote_archives
                    yield from archive_contents(piece, archives, max_bytes=self._max_bytes)
                else:
                    yield from contents(piece, self._archives, max_bytes=self._max_bytes)

    def _fetched(self, pieces: Iterator[Piece]) -> Iterator[Item]:
        ahead: deque[Future[Item]] = deque()
        for piece in pieces:
            ahead.append(self._threads.submit(fetch, piece.source, self._max_bytes))
            if len(ahead) > _FETCHED_AT_ONCE:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _is_fetched(piece: Piece) -> bool:
    source = piece.source
    return is_address(source) and not (is_archive(source) or is_table(source))


def _pieces(block: pa.Table) -> list[Piece]:
    pieces: list[Piece] = []
    for name, number in zip(block["source"].to_pylist(), block["number"].to_pylist(), strict=True):
        source = os.fsdecode(name)
        if pieces and (pieces[-1].source, pieces[-1].stop) == (source, number):
            pieces[-1] = pieces[-1]._replace(stop=number + 1)
        else:
            pieces.append(Piece(source, number, number + 1))
    return pieces


class _Folder:
    """The folder of the results, a path or an address.

    Raises:
        CannotWrite: it cannot be used.
    """

    def __init__(self, name: str) -> None:
        try:
            files, self.root = filesystem_of(name)
            self.files = arrow_filesystem(files)
            self._list()
        except Exception as error:
            # Which one it is depends on the store and its library.
            raise CannotWrite(f"{name} cannot be used: {error}") from error

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def names(self) -> list[str]:
        """Return the names of everything in it."""
        return [each.base_name for each in self._list() if each.base_name != _HIDDEN]

    def read(self, name: str) -> Run | None:
        """Return the run that the file `name` describes, if there is one."""
        try:
            with self.files.open_input_file(self.path(name)) as file:
                return Run.model_validate_json(file.read())
        except (FileNotFoundError, ValidationError):
            return None

    def write(self, name: str, run: Run) -> None:
        """Write `run` to the file `name`."""
        self.files.create_dir(self.path(_HIDDEN), recursive=True)
        with self.files.open_output_stream(self.path(name)) as file:
            file.write(run.model_dump_json().encode())

    def checkpointed(self) -> int:
        """Return how many pictures have rows."""
        folder = self.path(_CHECKPOINT)
        found = self.files.get_file_info(pyarrow.fs.FileSelector(folder, allow_not_found=True))
        done = [each.path for each in found if not each.path.endswith(".pending.parquet")]
        return pyarrow.dataset.dataset(done, filesystem=self.files).count_rows() if done else 0

    def tally(self) -> Tally:
        """Count the rows."""
        rows = pyarrow.dataset.dataset(self.root, filesystem=self.files, format="parquet")
        batches = rows.to_batches(columns=["decision", "reasons", "error"])
        return sum((tally_of(batch.to_pylist()) for batch in batches), Tally())

    def clear(self) -> None:
        """Remove what a run has written."""
        if self.read(_RUN) is None and self.read(_SUCCESS) is None:
            return
        # What is left if this is interrupted belongs to a run that nothing can resume.
        self.write(_RUN, Run(request={}, pictures=0, digest=""))
        with suppress(FileNotFoundError):
            self.files.delete_dir(self.path(_CHECKPOINT))
        for each in self._list():
            ours = each.base_name.startswith(f"{_PREFIX}_") and each.extension == "parquet"
            if ours or each.base_name == _SUCCESS:
                self.files.delete_file(each.path)
        self.end()

    def end(self) -> None:
        """Remove what only an unfinished run needs."""
        # First what says that the checkpoint is complete.
        self.files.delete_file(self.path(_RUN))
        self.files.delete_dir(self.path(_HIDDEN))

    def _list(self) -> list[pyarrow.fs.FileInfo]:
        return list(
            self.files.get_file_info(pyarrow.fs.FileSelector(self.root, allow_not_found=True))
        )
