"""What is sent to `/feedback`, and what it and `/reviews` answer."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from models.fields.constraints import LONGEST
from models.records import Rate
from service.api.schemas import Answer, is_none
from service.feedback.records import Kind
from service.inference.decisions import Decision

_LARGEST_INDEX = 2**31 - 1
_LONGEST_ID = 256

_Digit = Annotated[int, Field(ge=0, le=9)]
_Text = Annotated[str, StringConstraints(pattern=f"^[0-9]{{1,{LONGEST}}}$")]
_Caller = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_Id = (
    Annotated[str, StringConstraints(max_length=_LONGEST_ID)]
    | Annotated[int, Field(ge=-(2**63), le=2**64 - 1)]
)


class Feedback(BaseModel):
    """What is right, for a prediction that was made."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"request_id": "0f8b1c", "digit": 1},
                {"request_id": "0f8b1c", "index": 3, "digit": None},
                {"request_id": "77d2e0", "id": "cheque-12", "text": "1801"},
            ]
        },
    )

    request_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}$")] = Field(
        description="`X-Request-ID` of the answer with the prediction."
    )
    index: Annotated[int, Field(ge=0, le=_LARGEST_INDEX)] | None = Field(
        None, description="Which image of a batch, from 0; or say it by its `id`."
    )
    id: _Id | None = Field(None, description="The id that the image came with in its batch.")
    digit: _Digit | None = Field(
        None, description="The digit that is right; null: no digit is to be seen."
    )
    text: _Text | None = Field(
        None,
        description="The digits of the field that are right, without separators; null: none are to"
        " be seen. One of `digit` and `text` is to be given.",
    )
    caller: _Caller | None = Field(
        None,
        description="Name of the key that the prediction was made for; for keys with the role"
        " `admin`, which may answer for all.",
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if {"digit", "text"} <= self.model_fields_set or not (
            {"digit", "text"} & self.model_fields_set
        ):
            raise PydanticCustomError("feedback", "give either digit or text")
        if self.index is not None and self.id is not None:
            raise PydanticCustomError("feedback", "give either index or id")
        return self

    @property
    def kind(self) -> Kind:
        """What it is an answer for."""
        return Kind.DIGIT if "digit" in self.model_fields_set else Kind.FIELD

    @property
    def answer(self) -> str | None:
        """What is right, as text."""
        if self.kind is Kind.FIELD:
            return self.text
        return None if self.digit is None else str(self.digit)


class KeptPrediction(Answer):
    """A prediction that is kept."""

    request_id: str = Field(description="`X-Request-ID` of the answer with it.")
    index: int = Field(description="Which image of its request, from 0.")
    id: str | None = Field(
        None, exclude_if=is_none, description="The id that came with the image, as text."
    )
    caller: str | None = Field(
        None, exclude_if=is_none, description="Name of the key that it was made for."
    )
    time: datetime
    kind: Kind = Field(description="What was read: a `digit` or a `field`.")
    model: str
    version: str
    read: str | None = Field(description="What was read, as text; null where nothing could be.")
    confidence: Rate
    decision: Decision
    reasons: tuple[str, ...]
    image: str | None = Field(
        None,
        exclude_if=is_none,
        description="Path of the picture as the model saw it, for the role `admin`; absent where"
        " it is not kept.",
    )


class KeptFeedback(KeptPrediction):
    """A prediction, with the right answer for it."""

    answer: str | None = Field(description="What is right; null: no digit is to be seen.")
    right: bool = Field(description="Whether what was read is right.")
    answered: datetime


class Reviews(Answer):
    """The newest first."""

    reviews: tuple[KeptPrediction, ...]


def moment(seconds: float) -> datetime:
    """A time in seconds since 1970, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)
