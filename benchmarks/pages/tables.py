"""The command `python -m benchmarks.pages.tables`: logbook pages of real cells, read as tables."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from benchmarks.pages.logbook import LogbookPage, draw_page
from benchmarks.reports import (
    PUBLISHED,
    DataDir,
    ModelsDir,
    Out,
    Record,
    command,
    header,
    machine,
    row,
    run,
    write,
)
from models.manifest import PACKAGE_DIRECTORY
from service.errors import NoTable
from service.forms.tables import Table, TableOptions, next_step, read_table
from service.imaging import decode
from service.inference.catalogue import load_catalogue
from service.inference.decisions import Decision
from service.inference.fields import FieldOptions, FieldPipeline
from training.reader.cells import load_cells

_ROWS, _COLUMNS = 10, 6
_EMPTY = 0.1
_MAX_PIXELS = 16_000_000
_MAX_ERROR = 0.01

app = typer.Typer(add_completion=False)


class Pages(Record):
    """What came of pages of one kind, by cells; milliseconds are medians.

    Attributes:
        grids: pages whose rows and columns were found.
        written, right: cells that something is written in, and those read right.
        accepted, wrong: accepted cells, and those that are wrong, read in empty cells too.
        missed: written cells that were taken for empty.
        empty, found_empty: empty cells, and those that were found so.
        unsure: cells whose place was not sure.
        ms: by stage.
    """

    name: str
    pages: int
    grids: int
    written: int
    right: int
    accepted: int
    wrong: int
    missed: int
    empty: int
    found_empty: int
    unsure: int
    ms: dict[str, float]


class Results(Record):
    """All figures, and where they were measured."""

    command: str
    machine: str
    reader: str
    max_error: float
    sets: tuple[Pages, ...]


@app.command()
def tables(
    data_dir: DataDir,
    pages: Annotated[int, typer.Option(min=1, help="Pages of each kind.")] = 100,
    models_dir: ModelsDir = PACKAGE_DIRECTORY,
    out: Out = PUBLISHED,
) -> None:
    """Draw logbook pages of held-out cells, flat and photographed, read them, write a report."""
    cv2.setNumThreads(1)
    cells = [(cell.grey, cell.digits) for cell in load_cells(data_dir).held_out if not cell.raw]
    catalogue = load_catalogue(models_dir)
    read = partial(catalogue.fields, max_error=_MAX_ERROR, max_pixels=_MAX_PIXELS)
    results = Results(
        command=command("benchmarks.pages.tables"),
        machine=machine(),
        reader=read(FieldOptions()).reader.card.version,
        max_error=_MAX_ERROR,
        sets=tuple(
            _measure(name, [_page(cells, number, bent=bent) for number in range(pages)], read)
            for name, bent in (("scanned", False), ("bent, photographed at an angle", True))
        ),
    )
    write(out, "tables", _markdown(results), results)


def _page(cells: list[tuple[np.ndarray, str]], number: int, *, bent: bool) -> LogbookPage:
    random = np.random.default_rng((1, number, bent))
    count = _ROWS * _COLUMNS
    drawn = [cells[place] for place in random.choice(len(cells), count, replace=False)]
    empty = random.random(count) < _EMPTY
    chosen = [None if none else cell for cell, none in zip(drawn, empty, strict=True)]
    return draw_page(chosen, _COLUMNS, random, bent=bent)


def _measure(
    name: str, pages: list[LogbookPage], pipeline_of: Callable[[FieldOptions], FieldPipeline]
) -> Pages:
    counts = dict.fromkeys(list(Pages.model_fields)[2:-1], 0)
    times: list[dict[str, float]] = []
    for page in track(pages, name, console=Console(stderr=True)):
        spent = dict.fromkeys(("decode", "grid", "cells", "read"), 0.0)
        times.append(spent)
        try:
            table = _timed(page, pipeline_of, spent)
        except NoTable:
            table = None
        found = table is not None and (len(table.rows), len(table.columns)) == (_ROWS, _COLUMNS)
        counts["grids"] += found
        if table is not None and found and table.turned == 0:
            _count(table, page, counts)
        else:
            counts["written"] += sum(text is not None for row in page.written for text in row)
            counts["empty"] += sum(text is None for row in page.written for text in row)
    ms = {stage: 1000 * median(each[stage] for each in times) for stage in times[0]}
    return Pages(name=name, pages=len(pages), **counts, ms=ms)


def _timed(
    page: LogbookPage,
    pipeline_of: Callable[[FieldOptions], FieldPipeline],
    spent: dict[str, float],
) -> Table:
    def picture():  # noqa: ANN202
        started = time.process_time()
        grey = decode(page.jpeg, max_pixels=_MAX_PIXELS, whole=True)
        spent["decode"] = time.process_time() - started
        return grey

    steps = read_table(picture, TableOptions())
    readings, stage = None, "grid"
    while True:
        started = time.process_time()
        step = next_step(steps, readings)
        spent[stage] += time.process_time() - started
        if isinstance(step, Table):
            spent["grid"] -= spent["decode"]
            return step
        stage, started = "cells", time.process_time()
        pipelines = [pipeline_of(cell.options) for cell in step]
        readings = FieldPipeline.read_inputs([cell.seen for cell in step], pipelines)
        spent["read"] += time.process_time() - started


def _count(table: Table, page: LogbookPage, counts: dict[str, int]) -> None:
    for cells, texts in zip(table.rows, page.written, strict=True):
        for cell, text in zip(cells, texts, strict=True):
            counts["written" if text else "empty"] += 1
            if cell is None:
                counts["missed" if text else "found_empty"] += 1
                continue
            answer = cell.reading.answer
            accepted = answer.decision is Decision.ACCEPT
            counts["right"] += answer.text == text
            counts["accepted"] += accepted
            counts["wrong"] += accepted and answer.text != text
            counts["unsure"] += "unsure_place" in answer.reasons


def _markdown(results: Results) -> Iterator[str]:
    yield f"""# Tables

Made by

    {results.command}

on {results.machine}, with the reader {results.reader} at `max_error={results.max_error:g}`.
[tables.json](tables.json) has all figures.

{results.sets[0].pages} logbook pages of each kind, drawn: {_ROWS} rows and {_COLUMNS} columns
between ruled lines. A tenth of the cells is empty, the others are cells of real logbooks that the
reader was not trained on, with the rest of their own frames. Pages of the first kind are scanned;
the others are bent, photographed at an angle, in uneven light. A page counts as found if it has the
right rows and columns. Wrong are accepted cells that are not what is written, also in empty cells;
missed are written cells taken for empty.

"""
    yield from header(
        "pages",
        "found",
        "cells right",
        "accepted",
        "wrong",
        "missed",
        "empty found",
        "place unsure",
    )
    for each in results.sets:
        yield row(
            each.name,
            f"{each.grids} of {each.pages}",
            f"{each.right} of {each.written} ({each.right / each.written:.1%})",
            f"{each.accepted} ({each.accepted / each.written:.1%})",
            f"{each.wrong} ({each.wrong / max(1, each.accepted):.1%})",
            each.missed,
            f"{each.found_empty} of {each.empty}",
            each.unsure,
        )
    yield "\nMedian milliseconds of one core for a page:\n"
    yield from header("pages", *results.sets[0].ms)
    for each in results.sets:
        yield row(each.name, *(f"{ms:.0f}" for ms in each.ms.values()))


if __name__ == "__main__":
    run(app)
