"""The list of tasks in a file: written once, then read line by line by whoever knows the place."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from service.scoring.pieces import Task, from_line, pictures_of, to_line


def write_plan(file: BinaryIO, tasks: Iterable[Task], tell: Callable[[int], None]) -> int:
    """Write `tasks` to `file`; how many pictures they have, which `tell` hears as it grows."""
    pictures = 0
    for task in tasks:
        file.write(to_line(task))
        pictures += pictures_of(task)
        tell(pictures)
    return pictures


def places(plan: Path, after: int = 0) -> Iterator[int]:
    """Where the line of each task begins, in bytes; those of the first `after` are left out."""
    with plan.open("rb") as lines:
        yield from islice(places_in(lines), after, None)


def task_at(lines: BinaryIO, place: int) -> Task:
    """The task whose line begins at `place` of a plan."""
    lines.seek(place)
    return from_line(lines.readline())


def places_in(lines: Iterable[bytes]) -> Iterator[int]:
    """Where each of `lines` begins, in bytes."""
    offset = 0
    for line in lines:
        yield offset
        offset += len(line)
