"""`POST /feedback`: the right answer for an earlier prediction. `/reviews`: what waits for one."""

from typing import TYPE_CHECKING, Annotated, Any

import cv2
from fastapi import APIRouter, Path, Query, Request, Response

from service.access import Role
from service.api.admin import require_keys
from service.api.errors import AdminOff, InvalidRequest, MalformedBody, RoleRequired
from service.api.feedback_schemas import (
    Feedback,
    KeptFeedback,
    KeptPrediction,
    Reviews,
    moment,
)
from service.api.openapi import problem_responses
from service.api.state import caller_of, ledger_of
from service.feedback.errors import (
    AmbiguousPrediction,
    AnsweredOtherwise,
    FeedbackOff,
    FeedbackUnavailable,
    OtherKind,
    UnknownPrediction,
)
from service.feedback.question import Question

if TYPE_CHECKING:
    # They want the extra feedback.
    from sqlalchemy import RowMapping

    from service.feedback.ledger import Ledger

router = APIRouter(tags=["feedback"])

_REVIEWS_PATH = "/reviews"
_MOST_REVIEWS = 1000
_LARGEST_NUMBER = 2**63 - 1


@router.post(
    "/feedback",
    operation_id="give_feedback",
    status_code=201,
    responses={
        200: {"model": KeptFeedback, "description": "The same right answer was given before"},
        **problem_responses(
            MalformedBody,
            FeedbackOff,
            RoleRequired,
            UnknownPrediction,
            AnsweredOtherwise,
            InvalidRequest,
            FeedbackUnavailable,
        ),
    },
)
async def give_feedback(request: Request, feedback: Feedback, response: Response) -> KeptFeedback:
    """Say what is right for a prediction that was made before, whether that was right or wrong.

    The first answer stays: the same again is answered with 200, another one with 409.
    """
    ledger = _ledger(request)
    question, by = _question(request, feedback)
    try:
        answered = await ledger.answer(question, feedback.kind, feedback.answer, by)
    except (AmbiguousPrediction, OtherKind) as error:
        raise InvalidRequest.of("body", str(error)) from error
    if not answered.is_new:
        response.status_code = 200
    row = answered.row
    return KeptFeedback(
        **_kept(row),
        answer=row["answer"],
        right=row["answer"] == row["read"],
        answered=moment(row["answered"]),
    )


@router.get(
    _REVIEWS_PATH,
    operation_id="list_reviews",
    responses=problem_responses(FeedbackOff, AdminOff, InvalidRequest, FeedbackUnavailable),
)
async def list_reviews(
    request: Request,
    limit: Annotated[
        int, Query(ge=1, le=_MOST_REVIEWS, description="The most that are listed.")
    ] = 50,
) -> Reviews:
    """The newest predictions that a person is to look at and that have no right answer yet."""
    require_keys(request)
    rows = await _ledger(request).reviews(limit)
    return Reviews(reviews=tuple(KeptPrediction(**_kept(row)) for row in rows))


@router.get(
    _REVIEWS_PATH + "/{number}/image",
    operation_id="picture_of_review",
    response_class=Response,
    responses={
        200: {
            "description": "The picture as the model saw it",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        },
        **problem_responses(
            FeedbackOff, AdminOff, UnknownPrediction, InvalidRequest, FeedbackUnavailable
        ),
    },
)
async def picture_of_review(
    request: Request,
    number: Annotated[
        int, Path(ge=1, le=_LARGEST_NUMBER, description="As `image` of the review says.")
    ],
) -> Response:
    """The picture of a prediction, where pictures are kept."""
    require_keys(request)
    pixels = await _ledger(request).picture(number)
    return Response(cv2.imencode(".png", pixels)[1].tobytes(), media_type="image/png")


def _ledger(request: Request) -> "Ledger":
    ledger = ledger_of(request)
    if ledger is None:
        raise FeedbackOff(
            "what is read is not kept; ask who runs the service to set NUMERAL_FEEDBACK=true"
        )
    return ledger


def _question(request: Request, feedback: Feedback) -> tuple[Question, str | None]:
    """Which prediction is meant, and who says what is right."""
    question = Question(feedback.request_id, feedback.index, feedback.id, feedback.caller)
    caller = caller_of(request)
    if caller is None:
        if feedback.caller is not None:
            raise InvalidRequest.of("caller", "is for a service with API keys; leave it out")
        return question, None
    if Role.ADMIN in caller.roles:
        return question._replace(anyone=True), caller.name
    if feedback.caller not in (None, caller.name):
        raise RoleRequired(
            f"the key {caller.name!r} has not the role admin, and may answer for itself alone"
        )
    return question._replace(caller=caller.name), caller.name


def _kept(row: "RowMapping") -> dict[str, Any]:
    return {
        "request_id": row["request_id"],
        "index": row["place"],
        "id": row["item_id"],
        "caller": row["caller"],
        "time": moment(row["time"]),
        "kind": row["kind"],
        "model": row["model"],
        "version": row["version"],
        "read": row["read"],
        "confidence": row["confidence"],
        "decision": row["decision"],
        "reasons": tuple(row["reasons"].split(",")) if row["reasons"] else (),
        "image": f"{_REVIEWS_PATH}/{row['id']}/image" if row["has_image"] else None,
    }
