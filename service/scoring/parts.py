"""Rows kept part by part beside the file that they are for, until all are there.

`results.csv.parts` holds

    run.json    what was asked for, and how many pictures that is; written once the list is whole
    list        the tasks, a line for each
    00000000    the rows of the first task: a line with their tally, then what the format made

A part is written under another name, and gets its own once it is on the disk: it is whole or not
there, whatever ends the run. Tasks are done in order, so that who goes on does those after the last
part. In the end the parts are joined to a new file, which takes the place of the old one at once.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from service.scoring.formats import Format
from service.scoring.part_files import PartFiles, force
from service.scoring.pieces import Task
from service.scoring.plan import write_plan
from service.scoring.rows import Column
from service.scoring.scorer import Scored
from service.scoring.tally import Tally
from service.temporary import locked


class CannotWrite(Exception):
    """The file cannot be made, or not without the loss of another."""


class Run(BaseModel):
    """What a run was asked for, by name, and how many pictures that is."""

    model_config = ConfigDict(frozen=True)

    asked: Mapping[str, Any]
    pictures: int


def folder_of(out: Path) -> Path:
    """Where the parts of `out` are kept."""
    return out.with_name(f"{out.name}.parts")


def differing(asked: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """The names of what is not asked for as it was before; empty: all is."""
    return ", ".join(name for name in asked if asked[name] != before.get(name))


@contextmanager
def opened_parts(out: Path) -> Iterator["Parts"]:
    """The parts of `out`, for this process alone.

    Raises:
        CannotWrite: their folder cannot be made, or another process works in it.
    """
    folder = folder_of(out)
    if not out.parent.is_dir():
        raise CannotWrite(f"{out}: there is no folder {out.parent}; make it first")
    if out.is_dir():
        raise CannotWrite(f"{out} is a folder; name a file")
    with contextlib.ExitStack() as kept:
        try:
            folder.mkdir(exist_ok=True)
            kept.enter_context(locked(folder))
            # It stays where anything is in it.
            kept.callback(_remove_if_empty, folder)
        except BlockingIOError as error:
            raise CannotWrite(f"another run is writing {out}; wait for its end") from error
        except OSError as error:
            raise CannotWrite(f"{folder} cannot be made ({error.strerror})") from error
        yield Parts(out, folder)


class Parts:
    """The rows that are there already, on their way to a file.

        with opened_parts(out) as parts:
            parts.begin(asked, tasks, tell=print, overwrite=False)
            for scored in score(job, parts.plan, places(parts.plan, parts.done), workers=4):
                parts.keep(scored)
            parts.join(columns, format)

    What the system refuses is raised as OSError.

    Attributes:
        plan: the list of tasks.
        done: how many tasks have a part.
        tally: of these.
    """

    def __init__(self, out: Path, folder: Path) -> None:
        self._out = out
        self._files = PartFiles(folder)
        self.plan = self._files.plan
        self.done = 0
        self.tally = Tally()

    def begin(
        self,
        asked: Mapping[str, Any],
        tasks: Iterable[Task],
        tell: Callable[[int], None],
        *,
        overwrite: bool,
    ) -> int:
        """Go on where a run stopped that was asked for the same, or list `tasks`.

        Args:
            asked: all on which rows depend, as JSON can hold it.
            tasks: what is to be done; taken only where nothing is listed yet.
            tell: hears how many pictures were listed.
            overwrite: begin anew, whatever is there.

        Returns:
            How many pictures there are.

        Raises:
            CannotWrite: the file is there, or a run stopped that was asked for something else.
            Exception: whatever `tasks` raises; nothing is kept then.
        """
        run = None if overwrite else self._run()
        if run is None:
            if self._out.exists() and not overwrite:
                raise CannotWrite(f"{self._out} is there already; --overwrite makes it anew")
            return self._begin(asked, tasks, tell)
        if names := differing(asked, run.asked):
            raise CannotWrite(
                f"{folder_of(self._out)} is of a run with another {names}; ask for"
                " the same to go on with it, or for --overwrite to begin anew"
            )
        for tally in self._files.tallies():
            self.done += 1
            self.tally += tally
        return run.pictures

    def keep(self, scored: Scored) -> None:
        """Keep the rows of the next task; they are on the disk then."""
        self._files.write_part(self.done, scored.tally, scored.rows)
        self.done += 1
        self.tally += scored.tally

    def join(self, columns: Sequence[Column], how: Format) -> None:
        """Make the file of all parts, put it in the place of the old one, and remove them."""
        with self._files.joined().open("wb") as file:
            how.join(columns, self._files.rows(self.done), file)
            force(file)
        self._files.put(self._out)
        self._files.clear()

    def _run(self) -> Run | None:
        try:
            run = Run.model_validate_json(self._files.run.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        return run if self.plan.exists() else None

    def _begin(
        self, asked: Mapping[str, Any], tasks: Iterable[Task], tell: Callable[[int], None]
    ) -> int:
        self._files.clear()
        try:
            with self.plan.open("wb") as file:
                pictures = write_plan(file, tasks, tell)
                force(file)
        except BaseException:
            self._files.clear()
            raise
        run = Run(asked=asked, pictures=pictures)
        self._files.write(self._files.run, run.model_dump_json().encode())
        return pictures


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
