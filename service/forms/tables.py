"""Read tables: a page to a grid, its cells to fields, by the kind of their column."""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, cast, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from models.fields.constraints import Constraints
from models.fields.formats import DecimalMark, Notation, Order
from service.errors import InvalidRequest
from service.forms.grid import Grid, find_grid
from service.forms.straighten import is_washed_out
from service.imaging import Picture, SeenStrip, as_picture, cut_strip
from service.inference.decisions import Decision
from service.inference.field_answers import FieldAnswer, FieldReason
from service.inference.fields import FieldOptions, FieldPipeline, FieldReading

# What a column has; `skip` is not read.
Kind = Literal["field", "digit", "amount", "zip", "date", "skip"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# Rows of a cell's picture, and the share of them at each side that is left to the ruled line: on
# eight simulated pages 0.03 left ink in 18 of 43 empty cells, 0.06 in none.
_CELL_HEIGHT, _RULE, _THINNEST_RULE = 72, 0.07, 2
_LARGEST_CELL = 4096

# Cells that tell how a page is turned: the right turn is so many times as likely as any other, by
# the product of confidences. That many are accepted says nothing: of single digits on their heads,
# half are.
_SAMPLE = 20
_CLEARLY, _LEAST_CONFIDENCE = 20.0, 0.001

# What stands for a value that needs review: it must not look like one.
_REVIEW = "?"

NO_OPTIONS = FieldOptions()


@dataclass(frozen=True)
class TableOptions:
    """How to read a table."""

    fields: FieldOptions = NO_OPTIONS  # how to read the cells, whatever their column has
    columns: tuple[Kind, ...] = ()  # what each column has; without any, all are fields
    header: int = 0  # rows at the top that are not read
    upright: bool = False  # the page is not turned
    decimal: DecimalMark | None = None  # decimal mark of amounts
    order: Order | None = None  # order of dates

    def kinds(self, columns: int) -> tuple[Kind, ...]:
        """Return what each of so many `columns` has."""
        field: Kind = "field"
        return self.columns or (field,) * columns

    def of(self, kind: Kind) -> FieldOptions:
        """Return how to read the cells of a column."""
        if kind == "digit":
            return replace(self.fields, constraints=Constraints(length=1))
        if kind == "field" or kind == "skip":  # noqa: PLR1714 - mypy does not narrow by `in`
            return self.fields
        decimal = self.decimal if kind == "amount" else None
        order = self.order if kind == "date" else None
        return replace(self.fields, notation=Notation(kind, decimal, order))


class Cell(NamedTuple):
    """A cell that something is written in, and how to read it; rows and columns from 0."""

    row: int
    column: int
    seen: SeenStrip
    options: FieldOptions


class ReadCell(NamedTuple):
    """What was read in a cell, and its corners, clockwise from the top left: float32 [4, 2]."""

    reading: FieldReading
    corners: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Page:
    """A page with its grid."""

    picture: Picture  # the page, reduced to what its cells need
    grid: Grid  # in pixels of `picture`
    scale: float  # of `picture` to the page that was sent
    size: tuple[int, int]  # width and height of that page

    def sent(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where `points` are on the page that was sent."""
        return ((points + 0.5) / self.scale - 0.5).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Table:
    """What was read."""

    size: tuple[int, int]  # width and height of the page, in pixels
    turned: int  # by how many degrees it was turned, anticlockwise, to be upright
    corners: NDArray[np.float32]  # of the table on the page as it was sent, float32 [4, 2]
    columns: tuple[Kind, ...]  # what each column has
    header: int  # rows at the top that were not read
    # Those below, with a cell for each column that is not skipped; None for an empty one.
    rows: tuple[tuple[ReadCell | None, ...], ...]


# Yields cells to read, takes their readings, and returns the table.
Steps = Generator[list[Cell], Sequence[FieldReading], Table]


def read_table(picture: Callable[[], Picture], options: TableOptions) -> Steps:
    """Read a table in steps, so that its caller decides where cells are read.

    `picture` decodes the page.

    Raises:
        NoTable: no table was found, or not one.
        InvalidRequest: it has other columns than `options`, or nothing would be read.
    """
    page = open_page(picture())
    turned, sure = (0, True) if options.upright else (yield from _turned(page, options))
    page = replace(page, grid=page.grid.turned(turned))
    count, width = page.grid.shape
    kinds = options.kinds(width)
    if len(kinds) != width:
        what = f"names {len(kinds)} columns; the table has {count} rows and {width} columns"
        raise InvalidRequest.of("columns", what)
    if set(kinds) == {"skip"}:
        raise InvalidRequest.of("columns", "skips every column")
    if options.header >= count:
        raise InvalidRequest.of("header", f"must be below {count}, the number of rows")
    paper = float(np.median(page.picture))
    cells = [
        Cell(row, column, seen, options.of(kind))
        for row in range(options.header, count)
        for column, kind in enumerate(kinds)
        if kind != "skip" and (seen := _written(cut_cell(page, row, column), paper))
    ]
    readings = yield cells
    found = {
        (cell.row, cell.column): ReadCell(
            reading if sure and not page.grid.doubtful[cell.row, cell.column] else _unsure(reading),
            page.sent(page.grid.corners(cell.row, cell.column)),
        )
        for cell, reading in zip(cells, readings, strict=True)
    }
    read = [column for column, kind in enumerate(kinds) if kind != "skip"]
    rows = tuple(
        tuple(found.get((row, column)) for column in read) for row in range(options.header, count)
    )
    corners = page.sent(page.grid.points[[0, 0, -1, -1], [0, -1, -1, 0]])
    return Table(page.size, 90 * turned, corners, kinds, options.header, rows)


def next_step(steps: Steps, readings: Sequence[FieldReading] | None) -> list[Cell] | Table:
    """Return the next cells to read, or the table; a thread cannot pass on a `StopIteration`."""
    try:
        return steps.send(cast(Sequence[FieldReading], readings))
    except StopIteration as stop:
        table: Table = stop.value
        return table


def read_at_once(steps: Steps, pipeline_of: Callable[[FieldOptions], FieldPipeline]) -> Table:
    """Run `steps` here and now."""
    readings = None
    while not isinstance(cells := next_step(steps, readings), Table):
        pipelines = [pipeline_of(cell.options) for cell in cells]
        outcomes = FieldPipeline.read_inputs([cell.seen for cell in cells], pipelines)
        readings = cast(list[FieldReading], outcomes)
    return cells


def csv_header(table: Table) -> list[str]:
    """Return the names of the columns of `csv_rows`."""
    return ["row", *(f"column_{number}" for number in _read_columns(table)), "review"]


def csv_rows(table: Table) -> Iterator[list[str]]:
    """Yield the rows of `table`: their number, a value for each column, and what to review."""
    for number, row in enumerate(table.rows, table.header + 1):
        values, review = [], []
        for column, cell in zip(_read_columns(table), row, strict=True):
            if cell is None:
                values.append("")
            elif cell.reading.answer.decision is Decision.ACCEPT:
                values.append(_value(cell.reading.answer) or "")
            else:
                values.append(_REVIEW)
                answer = cell.reading.answer
                guess = f", perhaps {value}" if (value := _value(answer)) else ""
                review.append(f"column_{column}: {' '.join(answer.reasons)}{guess}")
        yield [str(number), *values, "; ".join(review)]


def _read_columns(table: Table) -> list[int]:
    return [number for number, kind in enumerate(table.columns, 1) if kind != "skip"]


def _value(answer: FieldAnswer) -> str | None:
    return answer.text if answer.value is None else str(answer.value)


def _turned(
    page: Page, options: TableOptions
) -> Generator[list[Cell], Sequence[FieldReading], tuple[int, bool]]:
    """Return by how many quarters the page has to be turned, and whether that is sure."""
    best, is_clear = yield from _best_turn(page, options)
    if not is_clear:
        # The few cells that are to be read may not tell it, and all together may.
        again, is_clear = yield from _best_turn(page, replace(options, columns=(), header=0))
        is_clear &= again == best
    return best, is_clear


def _best_turn(
    page: Page, options: TableOptions
) -> Generator[list[Cell], Sequence[FieldReading], tuple[int, bool]]:
    scores, counts = [], []
    for quarters in range(4):
        cells = _sample(replace(page, grid=page.grid.turned(quarters)), options)
        readings = yield cells
        sure = [math.log(max(each.answer.confidence, _LEAST_CONFIDENCE)) for each in readings]
        scores.append(float(np.mean(sure or math.log(_LEAST_CONFIDENCE))))
        counts.append(len(cells))
    best = int(np.argmax(scores))
    others = max(score for quarters, score in enumerate(scores) if quarters != best)
    is_clear = counts[best] * (scores[best] - others) > math.log(_CLEARLY)
    return best, is_clear or not any(counts)


def _sample(page: Page, options: TableOptions) -> list[Cell]:
    """Choose some cells that are to be read and not empty; none if the columns do not fit."""
    count, width = page.grid.shape
    kinds = options.kinds(width)
    chosen: list[Cell] = []
    for place in np.random.default_rng(0).permutation(count * width).tolist():
        row, column = divmod(place, width)
        if len(kinds) == width and row >= options.header and kinds[column] != "skip":
            seen = cut_strip(cut_cell(page, row, column))
            if not seen.blank:
                chosen.append(Cell(row, column, seen, options.fields))
        if len(chosen) == _SAMPLE:
            break
    return chosen


def _written(cell: Picture, paper: float) -> SeenStrip | None:
    """Return what a reader sees of a cell; None if it is empty, and not only in bright light."""
    seen = cut_strip(cell)
    return seen if not seen.blank or is_washed_out(cell, paper) else None


def _unsure(reading: FieldReading) -> FieldReading:
    answer = reading.answer
    reasons = (*answer.reasons, FieldReason.UNSURE_PLACE)
    return reading._replace(answer=answer._replace(decision=Decision.REVIEW, reasons=reasons))


def open_page(picture: Picture) -> Page:
    """Find the table on `picture`, uint8 [height, width]; raise `NoTable` if there is none."""
    grid = find_grid(picture)
    down = np.linalg.norm(np.diff(grid.points, axis=0), axis=2)
    across = np.linalg.norm(np.diff(grid.points, axis=1), axis=2)
    # A page may lie on its side.
    scale = min(1.0, _CELL_HEIGHT / min(np.median(down), np.median(across)))
    small = as_picture(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    height, width = picture.shape
    points = ((grid.points + 0.5) * scale - 0.5).astype(np.float32)
    return Page(small, replace(grid, points=points), scale, (width, height))


def cut_cell(page: Page, row: int, column: int) -> Picture:
    """Straighten the cell in `row` and `column`, without the lines around it."""
    corners = page.grid.corners(row, column)
    top, right, bottom, left = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    width, height = (
        int(np.clip(round(side), 1, _LARGEST_CELL))
        for side in ((top + bottom) / 2, (left + right) / 2)
    )
    rule = max(_THINNEST_RULE, round(_RULE * min(width, height)))
    unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    target = unit * np.array([width - 1 + 2 * rule, height - 1 + 2 * rule], np.float32) - rule
    view = cv2.getPerspectiveTransform(corners, target)
    cell = cv2.warpPerspective(page.picture, view, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return as_picture(cell)
