"""`/reviews`: what waits for a person to look at. Off unless API keys say who that is."""

from typing import Annotated

import cv2
from fastapi import APIRouter, Path, Query, Request, Response

from service import errors
from service.api.feedback_schemas import KeptPrediction, Reviews
from service.api.kept import REVIEWS_PATH, kept, ledger_or_refusal
from service.api.problems import problem_responses
from service.api.system import require_keys
from service.errors import FeedbackOff, FeedbackUnavailable, UnknownPrediction

router = APIRouter(tags=["feedback"])

_MOST_REVIEWS = 1000
_LARGEST_NUMBER = 2**63 - 1


@router.get(
    REVIEWS_PATH,
    operation_id="list_reviews",
    responses=problem_responses(
        FeedbackOff, errors.AdminOff, errors.InvalidRequest, FeedbackUnavailable
    ),
)
async def list_reviews(
    request: Request,
    limit: Annotated[
        int, Query(ge=1, le=_MOST_REVIEWS, description="The most that are listed.")
    ] = 50,
) -> Reviews:
    """The newest predictions that a person is to look at and that have no right answer yet."""
    require_keys(request)
    rows = await ledger_or_refusal(request).reviews(limit)
    return Reviews(reviews=tuple(KeptPrediction(**kept(row)) for row in rows))


@router.get(
    REVIEWS_PATH + "/{number}/image",
    operation_id="picture_of_review",
    response_class=Response,
    responses={
        200: {
            "description": "The picture as the model saw it",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
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
        int, Path(ge=1, le=_LARGEST_NUMBER, description="As `image` of the review says.")
    ],
) -> Response:
    """The picture of a prediction, where pictures are kept."""
    require_keys(request)
    pixels = await ledger_or_refusal(request).picture(number)
    return Response(cv2.imencode(".png", pixels)[1].tobytes(), media_type="image/png")
