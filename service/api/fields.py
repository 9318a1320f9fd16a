"""`POST /fields` and `/fields/batch`: pictures of several digits in, their texts out."""

from fastapi import APIRouter, Request, Response

from service.api import examples
from service.api.answers import JsonResponse, field, to_json
from service.api.batch import BatchWay, answer_batch
from service.api.bodies import read_picture
from service.api.field_schemas import BatchField, FieldBatchAnswer, ReadField
from service.api.negotiation import FIELDS_BATCH_PATH, require_json_accepted
from service.api.noting import note_one
from service.api.openapi import batch_answer, batch_body, reading_operation, single_body
from service.api.parameters import FieldParameters, field_options_of
from service.api.problems import BATCH_ERRORS, SINGLE_ERRORS, problem_responses
from service.api.schemas import BatchFailure
from service.api.state import read_one, registry_of
from service.inference.fields import LARGEST_FIELD_BATCH

router = APIRouter(tags=["fields"])


@router.post(
    "/fields",
    operation_id="read_field",
    response_model=ReadField,
    responses=problem_responses(*SINGLE_ERRORS),
    openapi_extra=reading_operation(FieldParameters, single_body("/fields", examples.FIELD)),
)
async def read_field(request: Request) -> Response:
    """Read a field of several digits: an amount, a ZIP code, an account number.

    Send the bytes of the image file as they are, or as the form field `file`. What is known of the
    field, its length or a checksum, makes the reading better.
    """
    require_json_accepted(request)
    pipeline = registry_of(request).fields(field_options_of(request))
    data = await read_picture(request, batch_path=FIELDS_BATCH_PATH)
    reading = await read_one(request, pipeline, data)
    note_one(request, reading)
    return JsonResponse(to_json(field(reading)))


@router.post(
    FIELDS_BATCH_PATH,
    operation_id="read_field_batch",
    response_model=FieldBatchAnswer,
    responses=batch_answer("What each field says", BatchField, BatchFailure)
    | problem_responses(*BATCH_ERRORS),
    openapi_extra=reading_operation(
        FieldParameters, batch_body(FIELDS_BATCH_PATH, examples.FIELD, arrays=False)
    ),
)
async def read_field_batch(request: Request) -> Response:
    """Read many fields, one to an image.

    Send form fields `files`, JSON with Base64, or lines of JSON, as to `POST /predict/batch`. What
    is asked for in the query holds for all of them.
    """
    pipeline = registry_of(request).fields(field_options_of(request))
    way = BatchWay(
        pipeline,
        name="fields",
        part=LARGEST_FIELD_BATCH,
        arrays=False,
    )
    return await answer_batch(request, way)
