"""`POST /feedback`: right answers for predictions; `/reviews`: predictions to look at."""

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import cv2
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ValidationError

from service import errors
from service.api.dependencies import state_of
from service.api.examples import BINARY
from service.api.feedback_schemas import (
    MAX_NUMBER,
    ClaimedReviews,
    Feedback,
    KeptFeedback,
    RecordedPrediction,
    RecordedPredictions,
    RequestId,
    Review,
    Reviews,
    moment,
)
from service.api.formats import read_json
from service.api.negotiation import JSON, media_type
from service.api.openapi import component
from service.api.problems import problem_responses
from service.api.system import require_keys
from service.auth.api_keys import Role
from service.errors import FeedbackOff, FeedbackUnavailable, UnknownPrediction
from service.feedback.recorder import Recorder
from service.feedback.records import PredictionQuery, is_audit
from service.validation import Decimal, Digits

if TYPE_CHECKING:
    # Requires the `feedback` extra.
    from sqlalchemy import RowMapping

router = APIRouter(tags=["feedback"])

_MAX_BYTES = 16 * 1024
_MAX_REVIEWS = 1000
_REVIEWS_PATH = "/reviews"
_LIST_PROBLEMS = problem_responses(
    FeedbackOff, errors.AdminOff, errors.InvalidRequest, FeedbackUnavailable
)
_RequestId = Annotated[RequestId, Path(description="X-Request-ID of the response.")]


@router.post(
    "/feedback",
    operation_id="give_feedback",
    summary="Give the right answer for a prediction",
    status_code=201,
    responses={
        200: {"model": KeptFeedback, "description": "The same right answer was given before"},
        **problem_responses(
            errors.MalformedBody,
            FeedbackOff,
            errors.RoleRequired,
            UnknownPrediction,
            errors.BodyTooSlow,
            errors.AnsweredOtherwise,
            errors.BodyTooLarge,
            errors.UnsupportedMediaType,
            errors.InvalidRequest,
            FeedbackUnavailable,
            errors.TooManyBodies,
            errors.Stopping,
        ),
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {JSON: {"schema": component(Feedback)}}}
    },
)
async def give_feedback(request: Request, response: Response) -> KeptFeedback:
    """Give the right answer for an earlier prediction, whether that was right or wrong.

    The first answer stays: the same answer again returns 200, another one 409. `skip` is for what
    nobody can read: it is no longer reviewed, and counts neither as right nor as wrong.
    """
    recorder = _required_recorder(request)
    feedback = await _read_feedback(request)
    query, by = _query(request, feedback)
    answered = await recorder.answer(query, feedback.kind, feedback.answer, by)
    if not answered.is_new:
        response.status_code = 200
    row = answered.row
    right = None if row["skipped"] else row["answer"] == row["read"]
    return KeptFeedback.model_validate(_fields_of(row) | {"right": right})


@router.get(
    "/predictions/{request_id}",
    operation_id="get_predictions",
    summary="Get the recorded predictions of a request",
    responses=problem_responses(
        FeedbackOff, UnknownPrediction, errors.InvalidRequest, FeedbackUnavailable
    ),
)
async def get_predictions(request: Request, request_id: _RequestId) -> RecordedPredictions:
    """The predictions of a request, up to 1,000: one, or one for each image of a batch.

    A key sees its own; the role `admin` sees all.
    """
    recorder, caller = _required_recorder(request), state_of(request).get("caller")
    query = PredictionQuery(
        request_id,
        caller=None if caller is None or caller.has(Role.ADMIN) else caller.name,
        any_caller=caller is not None and caller.has(Role.ADMIN),
    )
    rows = map(_fields_of, await recorder.predictions(query))
    return RecordedPredictions(predictions=tuple(map(RecordedPrediction.model_validate, rows)))


@router.delete(
    "/predictions/{request_id}",
    operation_id="delete_predictions",
    summary="Delete the recorded predictions of a request",
    status_code=204,
    responses=problem_responses(
        FeedbackOff,
        errors.AdminOff,
        errors.RoleRequired,
        UnknownPrediction,
        errors.InvalidRequest,
        FeedbackUnavailable,
    ),
)
async def delete_predictions(request: Request, request_id: _RequestId) -> None:
    """Delete predictions with their pictures and answers; requires the role `admin`."""
    require_keys(request)
    if not state_of(request)["caller"].has(Role.ADMIN):
        raise errors.RoleRequired("deleting predictions requires a key with the role admin")
    query = PredictionQuery(request_id, any_caller=True)
    await _required_recorder(request).use(lambda store: store.delete(query))


@router.get(
    _REVIEWS_PATH,
    operation_id="list_reviews",
    summary="List the predictions to review",
    responses=_LIST_PROBLEMS,
)
async def list_reviews(
    request: Request,
    limit: Annotated[
        Digits, Query(ge=1, le=_MAX_REVIEWS, description="Maximum number of predictions.")
    ] = 50,
) -> Reviews:
    """The newest predictions that a person should look at and that have no right answer yet."""
    require_keys(request)
    rows = await _required_recorder(request).use(lambda store: store.reviews(limit))
    return Reviews(reviews=tuple(map(_review, rows)))


@router.post(
    _REVIEWS_PATH + "/claim",
    operation_id="claim_reviews",
    summary="Claim predictions to review",
    responses=_LIST_PROBLEMS,
)
async def claim_reviews(
    request: Request,
    session: Annotated[
        str,
        Query(
            pattern=r"^[A-Za-z0-9._-]{1,64}$",
            description="Your name for the person who reviews, such as a random UUID.",
        ),
    ],
    limit: Annotated[
        Digits, Query(ge=1, le=100, description="Maximum number of predictions.")
    ] = 10,
    seconds: Annotated[
        Decimal, Query(ge=1, le=86_400, description="How long nobody else gets them.")
    ] = 300,
) -> ClaimedReviews:
    """The oldest predictions to review, for one person alone until the claim expires.

    The same session gets its own again, for another `seconds`, with further ones up to `limit`.
    """
    require_keys(request)
    by = f"{state_of(request)['caller'].name}/{session}"
    until = moment(time.time() + seconds)
    claimed = await _required_recorder(request).use(
        lambda store: store.claim(by, limit=limit, seconds=seconds)
    )
    reviews = tuple(map(_review, claimed.rows))
    return ClaimedReviews(waiting=claimed.waiting, until=until, reviews=reviews)


@router.get(
    _REVIEWS_PATH + "/{number}/image",
    operation_id="picture_of_review",
    summary="Get the picture of a prediction",
    response_class=Response,
    responses={
        200: {
            "description": "The picture as the model saw it, or as it was sent",
            "content": {"image/png": {"schema": BINARY}, "image/jpeg": {"schema": BINARY}},
        },
        **problem_responses(
            FeedbackOff,
            errors.AdminOff,
            UnknownPrediction,
            errors.InvalidRequest,
            FeedbackUnavailable,
        ),
    },
)
async def picture_of_review(
    request: Request,
    number: Annotated[
        Digits, Path(ge=1, le=MAX_NUMBER, description="As in `image` of the review.")
    ],
    whole: Annotated[
        bool, Query(description="The picture that was sent, as a JPEG, until it is answered.")
    ] = False,
) -> Response:
    """The picture of a prediction, if pictures are stored: a PNG as the model saw it."""
    require_keys(request)
    recorder = _required_recorder(request)
    if whole:
        page = await recorder.use(lambda store: store.page(number))
        return Response(page, media_type="image/jpeg")
    pixels = await recorder.use(lambda store: store.picture(number))
    return Response(cv2.imencode(".png", pixels)[1].tobytes(), media_type="image/png")


def _review(row: "RowMapping") -> Review:
    fields = _fields_of(row)
    image = f"{_REVIEWS_PATH}/{row['id']}/image"
    # An audit shows the picture only.
    alternatives = [] if is_audit(row["reasons"]) else json.loads(row["alternatives"] or "[]")
    return Review.model_validate(
        fields
        | {
            "number": row["id"],
            "alternatives": [{"text": text, "confidence": its} for text, its in alternatives],
            "page": f"{image}?whole=true" if row["has_page"] else None,
        }
    )


def _required_recorder(request: Request) -> Recorder:
    recorder = state_of(request)["recorder"]
    if recorder is None:
        raise FeedbackOff(
            "predictions are not recorded; ask the operator to set NUMERAL_FEEDBACK=true"
        )
    return recorder


async def _read_feedback(request: Request) -> Feedback:
    kind = media_type(request.headers)
    if kind != JSON:
        raise errors.UnsupportedMediaType(
            f"the Content-Type is {kind[:100] or 'missing'}; send {JSON}"
        )
    body = await request.body()
    if len(body) > _MAX_BYTES:
        raise errors.BodyTooLarge(
            f"the body has more than {_MAX_BYTES} bytes, too many for one answer"
        )
    try:
        document = read_json(body)
    except ValueError as error:
        raise errors.MalformedBody(f"the body is not JSON: {error}") from error
    try:
        return Feedback.model_validate(document)
    except ValidationError as error:
        raise errors.InvalidRequest.from_pydantic(error.errors(include_url=False)) from error


def _query(request: Request, feedback: Feedback) -> tuple[PredictionQuery, str | None]:
    """Return the prediction that is meant, and who gives the answer."""
    query = PredictionQuery(feedback.request_id, feedback.index, feedback.id, feedback.caller)
    query = replace(query, number=feedback.number)
    caller = state_of(request).get("caller")
    if caller is None:
        if feedback.caller is not None:
            raise errors.InvalidRequest.of("caller", "requires a service with API keys; omit it")
        return query, None
    if caller.has(Role.ADMIN):
        return replace(query, any_caller=True), caller.name
    if feedback.caller not in (None, caller.name):
        raise errors.RoleRequired(
            f"key {caller.name!r} lacks the role admin and may answer only for its own predictions"
        )
    return replace(query, caller=caller.name), caller.name


def _fields_of(row: "RowMapping") -> dict[str, Any]:
    """Return the fields of a `KeptPrediction`; those not listed here are as in the row.

    Without the reading of an audited picture that has no answer: who knows it tends to agree.
    """
    is_open_audit = is_audit(row["reasons"]) and row["answered"] is None
    hidden = {"read": None, "confidence": None} if is_open_audit else {}
    return (
        dict(row)
        | hidden
        | {
            "index": row["place"],
            "id": row["item_id"],
            "time": moment(row["time"]),
            "answered": row["answered"] and moment(row["answered"]),
            "reasons": tuple(row["reasons"].split(",")) if row["reasons"] else (),
            "image": f"{_REVIEWS_PATH}/{row['id']}/image" if row["has_image"] else None,
        }
    )
