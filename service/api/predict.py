"""`POST /predict` and `/predict/batch`: pictures in, predictions out."""

from fastapi import APIRouter, Request, Response

from service.api import examples
from service.api.answers import JsonResponse, prediction, to_json
from service.api.batch import BatchWay, answer_batch
from service.api.bodies import read_picture
from service.api.negotiation import BATCH_PATH, require_json_accepted
from service.api.noting import note_one
from service.api.openapi import batch_answer, batch_body, reading_operation, single_body
from service.api.parameters import ReadingParameters, digit_options_of
from service.api.problems import BATCH_ERRORS, SINGLE_ERRORS, problem_responses
from service.api.schemas import BatchAnswer, BatchFailure, BatchPrediction, Prediction
from service.api.state import read_one, registry_of
from service.inference.sessions import LARGEST_MICRO_BATCH

router = APIRouter(tags=["predict"])


@router.post(
    "/predict",
    operation_id="predict",
    response_model=Prediction,
    responses=problem_responses(*SINGLE_ERRORS),
    openapi_extra=reading_operation(ReadingParameters, single_body("/predict", examples.SEVEN)),
)
async def predict(request: Request) -> Response:
    """Read one digit.

    Send the bytes of the image file as they are, or as the form field `file`.
    """
    require_json_accepted(request)
    pipeline = registry_of(request).digits(digit_options_of(request))
    data = await read_picture(request, batch_path=BATCH_PATH)
    reading = await read_one(request, pipeline, data)
    note_one(request, reading)
    return JsonResponse(to_json(prediction(reading)))


@router.post(
    BATCH_PATH,
    operation_id="predict_batch",
    response_model=BatchAnswer,
    responses=batch_answer("A prediction for each image", BatchPrediction, BatchFailure)
    | problem_responses(*BATCH_ERRORS),
    openapi_extra=reading_operation(
        ReadingParameters, batch_body(BATCH_PATH, examples.SEVEN, arrays=True)
    ),
)
async def predict_batch(request: Request) -> Response:
    """Read many digits, one to an image.

    Send form fields `files`, JSON with Base64, an array as NumPy saves it, or lines of JSON. An
    item that is no image, or none that can be read, has an `error` in place of an answer, and the
    others theirs. With `Accept: application/x-ndjson` each answer is a line, sent when it is there;
    lines are answered in lines, however many they are.
    """
    pipeline = registry_of(request).digits(digit_options_of(request))
    way = BatchWay(
        pipeline,
        name="predictions",
        part=LARGEST_MICRO_BATCH,
        arrays=True,
    )
    return await answer_batch(request, way)
