"""What commands that read files have in common: what each file says, in a line of its own."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import typer
from pydantic import BaseModel

from service.cli.tables import print_table
from service.imaging import UnreadableImage

_SOME_UNREAD = 1

_Answer = TypeVar("_Answer", bound=BaseModel)


class Line(NamedTuple, Generic[_Answer]):
    """A file, and what it says."""

    file: Path
    answer: _Answer


def print_files(
    files: Sequence[Path],
    read: Callable[[bytes], _Answer],
    columns: tuple[str, ...],
    cells: Callable[[_Answer], tuple[str, ...]],
    *,
    as_json: bool,
) -> int:
    """Print what `read` says of `files`; the exit status.

    Args:
        files: image files; one that cannot be read is told of on standard error.
        read: raises UnreadableImage.
        columns: of the table; the file comes last.
        cells: of the table, for an answer.
        as_json: print a JSON object for each file.
    """
    unread: list[Path] = []
    lines = _read(files, read, unread)
    if as_json:
        for line in lines:
            typer.echo(json.dumps({"file": str(line.file), **line.answer.model_dump(mode="json")}))
    else:
        rows = ((*cells(line.answer), str(line.file)) for line in lines)
        print_table((*columns, "file"), rows)
    return _SOME_UNREAD if unread else 0


def decision_cell(decision: str, reasons: Sequence[str]) -> str:
    """A decision with its reasons."""
    return f"{decision} ({', '.join(reasons)})" if reasons else decision


def _read(
    files: Sequence[Path], read: Callable[[bytes], _Answer], unread: list[Path]
) -> Iterator[Line[_Answer]]:
    for file in files:
        try:
            yield Line(file, read(file.read_bytes()))
        except (OSError, UnreadableImage) as error:
            reason = error.reason if isinstance(error, UnreadableImage) else error.strerror
            typer.echo(f"{file}: {reason}", err=True)
            unread.append(file)
