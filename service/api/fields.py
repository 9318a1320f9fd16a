"""`POST /fields` and `/fields/batch`: strips of several digits."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api import examples
from service.api.batch import answer_batch
from service.api.bodies import read_picture
from service.api.dependencies import read_one, record, state_of
from service.api.negotiation import FIELDS_BATCH_PATH, require_json_accepted
from service.api.parameters import FieldParameters, ParameterRoute
from service.api.problems import BATCH_ERRORS, SINGLE_ERRORS, problem_responses
from service.api.responses import JsonResponse, field, to_json
from service.api.schemas import BatchFailure, BatchField, FieldBatchAnswer, ReadField

router = APIRouter(tags=["fields"], route_class=ParameterRoute)


@router.post(
    "/fields",
    operation_id="read_field",
    summary="Read a field of several digits",
    response_model=ReadField,
    responses=problem_responses(*SINGLE_ERRORS),
    openapi_extra=examples.single_body("/fields", examples.FIELD),
)
async def read_field(request: Request, parameters: Annotated[FieldParameters, Query()]) -> Response:
    """Send the bytes of an image file as the body, or as the form field `file`.

    A field is an amount, a ZIP code, an account number. A known length or checksum improves the
    reading.
    """
    require_json_accepted(request)
    pipeline = state_of(request)["registry"].fields(parameters.options())
    data = await read_picture(request, batch_path=FIELDS_BATCH_PATH)
    reading = await read_one(request, pipeline, data)
    record(request, [reading])
    return JsonResponse(to_json(field(reading)))


@router.post(
    FIELDS_BATCH_PATH,
    operation_id="read_field_batch",
    summary="Read many fields",
    response_model=FieldBatchAnswer,
    responses=examples.batch_answer("A reading of each field", BatchField, BatchFailure)
    | problem_responses(*BATCH_ERRORS),
    openapi_extra=examples.batch_body(FIELDS_BATCH_PATH, examples.FIELD, arrays=False),
)
async def read_field_batch(
    request: Request, parameters: Annotated[FieldParameters, Query()]
) -> Response:
    """Send form fields `files`, JSON with Base64, or NDJSON, as to `POST /predict/batch`.

    The parameters apply to all fields.
    """
    pipeline = state_of(request)["registry"].fields(parameters.options())
    return await answer_batch(request, pipeline, name="fields", arrays=False)
