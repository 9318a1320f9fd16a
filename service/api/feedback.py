"""`POST /feedback`: the right answer for an earlier prediction."""

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from service import errors
from service.api.bodies import read_body
from service.api.dependencies import caller_of
from service.api.feedback_schemas import (
    Feedback,
    KeptFeedback,
    moment,
)
from service.api.formats import read_json
from service.api.headers import header
from service.api.kept import kept, ledger_or_refusal
from service.api.negotiation import JSON
from service.api.openapi import component
from service.api.problems import problem_responses
from service.auth.api_keys import Role
from service.errors import AnsweredOtherwise, FeedbackOff, FeedbackUnavailable, UnknownPrediction
from service.feedback.errors import AmbiguousPrediction, OtherKind
from service.feedback.question import Question

router = APIRouter(tags=["feedback"])

_MOST_BYTES = 16 * 1024


@router.post(
    "/feedback",
    operation_id="give_feedback",
    status_code=201,
    responses={
        200: {"model": KeptFeedback, "description": "The same right answer was given before"},
        **problem_responses(
            errors.MalformedBody,
            FeedbackOff,
            errors.RoleRequired,
            UnknownPrediction,
            errors.BodyTooSlow,
            AnsweredOtherwise,
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
    """Say what is right for a prediction that was made before, whether that was right or wrong.

    The first answer stays: the same again is answered with 200, another one with 409.
    """
    ledger = ledger_or_refusal(request)
    feedback = await _read(request)
    question, by = _question(request, feedback)
    try:
        answered = await ledger.answer(question, feedback.kind, feedback.answer, by)
    except (AmbiguousPrediction, OtherKind) as error:
        raise errors.InvalidRequest.of("body", str(error)) from error
    if not answered.is_new:
        response.status_code = 200
    row = answered.row
    return KeptFeedback(
        **kept(row),
        answer=row["answer"],
        right=row["answer"] == row["read"],
        answered=moment(row["answered"]),
    )


async def _read(request: Request) -> Feedback:
    kind = header(request.scope, b"content-type").partition(";")[0].strip().lower()
    if kind != JSON:
        raise errors.UnsupportedMediaType(
            f"the Content-Type is {kind[:100] or 'missing'}; send {JSON}"
        )
    body = await read_body(request)
    if len(body) > _MOST_BYTES:
        raise errors.BodyTooLarge(f"the body has more than {_MOST_BYTES} bytes; one answer has not")
    try:
        document = read_json(body)
    except ValueError as error:
        raise errors.MalformedBody(f"the body is not JSON: {error}") from error
    try:
        return Feedback.model_validate(document)
    except ValidationError as error:
        raise errors.InvalidRequest.from_pydantic(error.errors(include_url=False)) from error


def _question(request: Request, feedback: Feedback) -> tuple[Question, str | None]:
    """Which prediction is meant, and who says what is right."""
    question = Question(feedback.request_id, feedback.index, feedback.id, feedback.caller)
    caller = caller_of(request)
    if caller is None:
        if feedback.caller is not None:
            raise errors.InvalidRequest.of("caller", "is for a service with API keys; leave it out")
        return question, None
    if Role.ADMIN in caller.roles:
        return question._replace(anyone=True), caller.name
    if feedback.caller not in (None, caller.name):
        raise errors.RoleRequired(
            f"the key {caller.name!r} has not the role admin, and may answer for itself alone"
        )
    return question._replace(caller=caller.name), caller.name
