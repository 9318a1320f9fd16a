"""A run that begins, or goes on: what is in its folder, and the list of its tasks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.scoring.parts import CannotWrite, differing
from service.scoring.pieces import Piece, from_line, tasks_of, to_line
from service.scoring.plan import write_plan
from service.scoring.ray.folder import Folder, Run
from service.scoring.ray.stores import Stores, UnknownStore
from service.temporary import temporary_directory

_TEMPORARY = "numeral-ray-list-"

# A file is lost work when its worker ends, and one of too many when it is small. With so many for
# each worker, none waits long for the last one; each has 1 to 16 times what the local engine
# gives a process at a time, up to some ten seconds' work.
_FILES_PER_WORKER = 16
_LARGEST = 16


def opened_folder(name: str, stores: Stores) -> Folder:
    """The folder of the results at `name`.

    Raises:
        CannotWrite: no file system answers to it.
    """
    try:
        return Folder(name, stores)
    except UnknownStore as error:
        raise CannotWrite(str(error)) from error


def run_in(folder: Folder, asked: Mapping[str, Any], *, overwrite: bool) -> Run | None:
    """The run in `folder` that was asked for the same and is to go on; None: there is none.

    Raises:
        CannotWrite: it is of something else, or at its end, or cannot be looked into.
    """
    with _usable(folder):
        run = None if overwrite else folder.run()
        if run is not None:
            if names := differing(asked, run.asked):
                raise CannotWrite(
                    f"{folder.name} is of a run with another {names}; ask for the same to go on"
                    " with it, or for --overwrite to begin anew"
                )
            return run
        if not overwrite and folder.finished():
            raise CannotWrite(f"{folder.name} is whole already; --overwrite makes it anew")
        if others := folder.others():
            raise CannotWrite(
                f"{folder.name} holds {others[0]}, which is of no run; name an empty or a new"
                " folder"
            )
    return None


def begun(
    folder: Folder,
    asked: Mapping[str, Any],
    pieces: Iterable[Piece],
    tell: Callable[[int], None],
    *,
    task_size: int,
    workers: int,
) -> Run:
    """Clear `folder`, and put the list of `pieces` there, as tasks.

    Args:
        folder: that of the results.
        asked: all on which rows depend, as JSON can hold it.
        pieces: what is to be read.
        tell: hears how many pictures were listed.
        task_size: how many pictures the local engine gives a process at a time.
        workers: how many work at a time.

    Raises:
        CannotWrite: nothing can be put there.
    """
    with _listed(pieces, tell) as (listed, pictures):
        several = pictures // (task_size * workers * _FILES_PER_WORKER)
        size = task_size * max(1, min(_LARGEST, several))
        plan = listed.with_name("plan")
        files = 0
        with plan.open("wb") as file:
            for task in tasks_of(_read(listed), size):
                file.write(to_line(task))
                files += 1
        run = Run(asked=asked, pictures=pictures, files=files)
        with _usable(folder):
            folder.clear()
            folder.make()
        folder.begin(plan, run)
        return run


@contextmanager
def _usable(folder: Folder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"{folder.name} cannot be used: {error}") from error


@contextmanager
def _listed(pieces: Iterable[Piece], tell: Callable[[int], None]) -> Iterator[tuple[Path, int]]:
    # How many pictures there are says how many a task gets, and they need not fit into memory.
    with temporary_directory(_TEMPORARY) as folder:
        path = folder / "pieces"
        with path.open("wb") as file:
            pictures = write_plan(file, ((piece,) for piece in pieces), tell)
        yield path, pictures


def _read(listed: Path) -> Iterator[Piece]:
    with listed.open("rb") as lines:
        for line in lines:
            yield from from_line(line)
