"""Requests and responses of `/feedback` and `/reviews`."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from models.fields.constraints import LONGEST
from models.records import Rate
from service.api.schemas import MAX_ID_LENGTH, Answer, is_none
from service.feedback.records import Kind
from service.inference.decisions import Decision
from service.validation import must_be

MAX_NUMBER = 2**63 - 1
_MAX_INDEX = 2**31 - 1

RequestId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}$"),
    must_be("1 to 128 letters, digits, dots, underscores and dashes"),
]
_Digit = Annotated[int, Field(ge=0, le=9)]
_Text = Annotated[str, StringConstraints(pattern=f"^[0-9]{{1,{LONGEST}}}$")]
_Caller = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_Id = (
    Annotated[str, StringConstraints(max_length=MAX_ID_LENGTH)]
    | Annotated[int, Field(ge=-(2**63), le=2**64 - 1)]
)


class Feedback(BaseModel):
    """The right answer for an earlier prediction."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"request_id": "0f8b1c", "digit": 1},
                {"request_id": "0f8b1c", "index": 3, "digit": None},
                {"request_id": "77d2e0", "id": "cheque-12", "text": "1801"},
                {"request_id": "91ac00", "skip": True},
            ]
        },
    )

    request_id: RequestId = Field(description="`X-Request-ID` of the response with the prediction.")
    index: Annotated[int, Field(ge=0, le=_MAX_INDEX)] | None = Field(
        None, description="Index of the image in a batch, from 0; or send its `id`."
    )
    id: _Id | None = Field(None, description="Your id of the image in a batch.")
    digit: _Digit | None = Field(None, description="The right digit; null if no digit is visible.")
    text: _Text | None = Field(
        None,
        description="The right digits of a field, without separators; if it was read with such a"
        " `format`, the cents of an amount, 12575 for 125.75, or a date as 20260326; null if none"
        " are visible. Send one of `digit`, `text` and `skip`.",
    )
    skip: bool = Field(
        False,
        description="True if nobody can read it: it is no longer reviewed, without an answer.",
    )
    number: Annotated[int, Field(ge=1, le=MAX_NUMBER)] | None = Field(
        None, description="`number` of a review, which alone tells requests with the same id apart."
    )
    caller: _Caller | None = Field(
        None,
        description="Name of the key that the prediction was made for; only for keys with the role"
        " `admin`, which may answer for all.",
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if len({"digit", "text"} & self.model_fields_set) + self.skip != 1:
            raise ValueError("must have one of digit, text and skip")
        if self.index is not None and self.id is not None:
            raise ValueError("must not have both index and id")
        return self

    @property
    def kind(self) -> Kind | None:
        """What the answer is for; None to skip it."""
        if self.skip:
            return None
        return Kind.DIGIT if "digit" in self.model_fields_set else Kind.FIELD

    @property
    def answer(self) -> str | None:
        """The right answer as text."""
        return self.text if self.digit is None else str(self.digit)


class KeptPrediction(Answer):
    """A recorded prediction."""

    request_id: str = Field(description="`X-Request-ID` of its response.")
    index: int = Field(description="Index of its image in the request, from 0.")
    id: str | None = Field(None, exclude_if=is_none, description="Your id of the image, as text.")
    caller: str | None = Field(None, exclude_if=is_none, description="Name of the key.")
    time: datetime
    kind: Kind = Field(description="What was read: a `digit` or a `field`.")
    model: str
    version: str
    read: str | None = Field(
        description="What was read, as text; null if nothing was, and for the reason `audit` until"
        " the right answer is there."
    )
    confidence: Rate | None = Field(description="Null for an audit without a right answer.")
    decision: Decision
    reasons: tuple[str, ...]
    image: str | None = Field(
        None,
        exclude_if=is_none,
        description="Path of the picture as the model saw it, for the role `admin`; absent if it is"
        " not recorded.",
    )


class KeptFeedback(KeptPrediction):
    """A prediction with its right answer."""

    answer: str | None = Field(
        description="The right answer; null if no digit is visible, or it was skipped."
    )
    right: bool | None = Field(
        description="Whether the prediction is right; null if it was skipped."
    )
    answered: datetime


class RecordedPrediction(KeptPrediction):
    """A prediction, with its right answer once there is one."""

    answer: str | None = Field(
        description="The right answer; null if no digit is visible, or before it is given."
    )
    answered: datetime | None = Field(description="When the right answer was given; else null.")


class RecordedPredictions(Answer):
    """The predictions of a request, by their index in it."""

    predictions: tuple[RecordedPrediction, ...]


class Guess(Answer):
    """What else may be written."""

    text: str
    confidence: Rate


class Review(KeptPrediction):
    """A prediction that a person should look at."""

    number: int = Field(description="Its number; `POST /feedback` takes it.")
    alternatives: tuple[Guess, ...] = Field(
        description="What else may be written, the likeliest first; none for the reason `audit`."
    )
    page: str | None = Field(
        None,
        exclude_if=is_none,
        description="Path of the picture as it was sent; absent if it is not recorded.",
    )


class Reviews(Answer):
    """Predictions to review, the newest first."""

    reviews: tuple[Review, ...]


class ClaimedReviews(Answer):
    """Predictions that only this session is to review, the oldest first."""

    waiting: int = Field(description="How many predictions wait for review, claimed ones included.")
    until: datetime = Field(description="When others may claim them.")
    reviews: tuple[Review, ...]


def moment(seconds: float) -> datetime:
    """Convert seconds since 1970, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)
