"""`POST /tables`: a page with a ruled table to rows, in JSON or CSV."""

import asyncio
import csv
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from io import StringIO
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray

from service.api import examples, responses, schemas
from service.api.bodies import read_picture
from service.api.dependencies import charge, record, state_of
from service.api.negotiation import CSV, JSON, negotiate
from service.api.parameters import ParameterRoute, TableParameters
from service.api.problems import SINGLE_ERRORS, problem_responses
from service.errors import NoTable
from service.forms.tables import Cell, Table, csv_header, csv_rows, next_step, read_table
from service.imaging import decode
from service.inference.decisions import Decision
from service.inference.fields import FieldOptions, FieldReading

# Fields of a reading that are the same for all cells, or in pixels of a cell's own picture.
_NOT_OF_CELLS = ("model", "version", "digits")
_ROWS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The rows of the table", "content": {CSV: {"schema": {"type": "string"}}}}
}

router = APIRouter(route_class=ParameterRoute)


@router.post(
    "/tables",
    tags=["fields"],
    operation_id="read_table",
    summary="Read a ruled table",
    response_model=schemas.TableAnswer,
    responses=_ROWS | problem_responses(*SINGLE_ERRORS, NoTable),
    openapi_extra=examples.single_body("/tables", examples.TABLE),
)
async def read_page(request: Request, parameters: Annotated[TableParameters, Query()]) -> Response:
    """Send a scan or photo of a page: its bytes, as the form field `file`, or in JSON.

    The largest table is read, with lines around all cells, in any position on the page. Cells in
    which nothing is written are empty. With `Accept: text/csv` the answer has a line for each row.
    """
    answer_type = negotiate(request.headers, (JSON, CSV))
    state, options = state_of(request), parameters.options()
    engine, max_pixels = state["engine"], state["settings"].max_pixels
    state["registry"].fields(options.fields)  # unknown names, before the body is read
    engine.require_space()
    data = await read_picture(request, batch_path=None)
    page = partial(decode, data, max_pixels=max_pixels, whole=True, page=parameters.page)
    steps = read_table(page, options)
    readings = None
    async with engine.deadline():
        while isinstance(step := await engine.work(partial(next_step, steps, readings)), list):
            readings = await _read(request, step)
    record(request, [cell.reading for row in step.rows for cell in row if cell])
    if answer_type == CSV:
        text = StringIO()
        csv.writer(text).writerows([csv_header(step), *csv_rows(step)])
        return Response(text.getvalue(), media_type=CSV)
    body = await asyncio.to_thread(to_json, step, request_id=state["request_id"])
    return responses.JsonResponse(responses.to_json(body))


async def _read(request: Request, cells: Sequence[Cell]) -> list[FieldReading]:
    engine, registry = state_of(request)["engine"], state_of(request)["registry"]
    charge(request, len(cells))
    alike: defaultdict[FieldOptions, list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        alike[cell.options].append(place)
    readings: dict[int, FieldReading] = {}
    for options, places in alike.items():
        seen = [cells[place].seen for place in places]
        outcomes = (await engine.run(registry.fields(options), seen)).outcomes
        readings.update(zip(places, outcomes, strict=True))
    return [readings[place] for place in range(len(cells))]


def to_json(table: Table, **place: object) -> dict[str, Any]:
    """Return a `TableAnswer`, with the fields of its `place`."""
    index = 0
    rows: list[list[dict[str, Any] | None]] = []
    for row in table.rows:
        rows.append([])
        for cell in row:
            if cell is None:
                rows[-1].append(None)
                continue
            answer = responses.field(cell.reading, index=index)
            index += 1
            rest = {name: answer[name] for name in answer if name not in _NOT_OF_CELLS}
            rows[-1].append(rest | {"corners": _rounded(cell.corners)})
    readings = [cell.reading for row in table.rows for cell in row if cell]
    card = readings[0].card if readings else None
    accepted = all(each.answer.decision is Decision.ACCEPT for each in readings)
    return {
        **place,
        "model": card.name if card else None,
        "version": card.version if card else None,
        "decision": Decision.ACCEPT if accepted else Decision.REVIEW,
        "size": table.size,
        "turned": table.turned,
        "corners": _rounded(table.corners),
        "columns": table.columns,
        "header": table.header,
        "rows": rows,
    }


def _rounded(points: NDArray[np.float32]) -> list[Any]:
    rounded: list[Any] = points.astype(float).round(1).tolist()
    return rounded
