"""The command `python -m benchmarks.pages.tables`: logbook pages of real cells, read as tables."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Annotated

import cv2
import numpy as np
import typer

from benchmarks import reports
from benchmarks.pages.logbook import LogbookPage, draw_page
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


class Pages(reports.Record):
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
    grids: int = 0
    written: int = 0
    right: int = 0
    accepted: int = 0
    wrong: int = 0
    missed: int = 0
    empty: int = 0
    found_empty: int = 0
    unsure: int = 0
    ms: dict[str, float]


class Results(reports.Report):
    """All figures of one run."""

    reader: str
    max_error: float
    sets: tuple[Pages, ...]


@app.command()
def tables(
    data_dir: reports.DataDir,
    pages: Annotated[int, typer.Option(min=1, help="Pages of each kind.")] = 100,
    models_dir: reports.ModelsDir = PACKAGE_DIRECTORY,
    out: reports.Out = reports.PUBLISHED,
) -> None:
    """Draw logbook pages of held-out cells, flat and photographed, read them, write a report."""
    cv2.setNumThreads(1)
    cells = [(cell.grey, cell.digits) for cell in load_cells(data_dir).held_out if not cell.raw]
    catalogue = load_catalogue(models_dir)
    read = partial(catalogue.fields, max_error=_MAX_ERROR, max_pixels=_MAX_PIXELS)
    results = Results(
        reader=read(FieldOptions()).reader.card.version,
        max_error=_MAX_ERROR,
        sets=tuple(
            _measure(name, [_page(cells, number, bent=bent) for number in range(pages)], read)
            for name, bent in (("scanned", False), ("bent, photographed at an angle", True))
        ),
    )
    reports.write(out, "tables", _markdown(results), results)


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
    counts: Counter[str] = Counter()
    times: list[dict[str, float]] = []
    for page in reports.progress(pages, name):
        spent = dict.fromkeys(("decode", "grid", "cells", "read"), 0.0)
        times.append(spent)
        try:
            table = _timed(page, pipeline_of, spent)
        except NoTable:
            table = None
        found = table is not None and (len(table.rows), len(table.columns)) == (_ROWS, _COLUMNS)
        empty = sum(texts.count(None) for texts in page.written)
        counts.update(grids=found, written=_ROWS * _COLUMNS - empty, empty=empty)
        if table is not None and found and table.turned == 0:
            _count(table, page, counts)
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


def _count(table: Table, page: LogbookPage, counts: Counter[str]) -> None:
    for cells, texts in zip(table.rows, page.written, strict=True):
        for cell, text in zip(cells, texts, strict=True):
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
    columns = ("found", "cells right", "accepted", "wrong", "missed", "empty found", "place unsure")
    yield from reports.header("pages", *columns)
    for each in results.sets:
        yield reports.row(
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
    yield from reports.header("pages", *results.sets[0].ms)
    for each in results.sets:
        yield reports.row(each.name, *(f"{ms:.0f}" for ms in each.ms.values()))


if __name__ == "__main__":
    reports.run(app)
