"""The answers of the API, as pydantic models: what is sent, and what OpenAPI says is sent."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.manifest import DIGITS
from models.records import Rate
from service.api.problems import Problem
from service.inference.decisions import Decision, Reason
from service.inference.field_answers import FieldReason

ItemId = str | int


def is_none(value: object) -> bool:
    """Whether a field has no value, for those that are left out then."""
    return value is None


class Answer(BaseModel):
    """What is sent."""

    model_config = ConfigDict(frozen=True)


class Prediction(Answer):
    """What one image says, and whether to believe it."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "model": "resnet",
                    "version": "3f9c2a1b",
                    "digit": 7,
                    "confidence": 0.9998,
                    "decision": "accept",
                    "reasons": [],
                    "probabilities": [0, 0, 0.0001, 0, 0, 0, 0, 0.9998, 0, 0.0001],
                }
            ]
        },
    )

    model: str = Field(description="Name of the model that answered.")
    version: str = Field(description="Its version; another file has another version.")
    digit: Annotated[int, Field(ge=0, le=9)] | None = Field(
        description="The likeliest digit; null where the image is blank."
    )
    confidence: Rate = Field(
        description="Calibrated probability that the digit is right; 0 where the image is blank."
    )
    decision: Decision = Field(description="`accept`, or `review` where a person should look.")
    reasons: tuple[Reason, ...] = Field(
        description="Why it is to be reviewed; empty where it is accepted."
    )
    probabilities: tuple[Rate, ...] = Field(
        min_length=DIGITS,
        max_length=DIGITS,
        description="Of the digits 0 to 9; all 0 where the image is blank.",
    )


class Place(Answer):
    """Which image of a batch it is."""

    index: int = Field(ge=0, description="Place of the image in the request, from 0.")
    id: ItemId | None = Field(
        None,
        exclude_if=is_none,
        description="The id that came with the image, or its file name; absent without.",
    )


class BatchPrediction(Prediction, Place):
    """A prediction with its place in the batch."""


class BatchFailure(Place):
    """An image of the batch that could not be read."""

    error: Problem


class BatchEnd(Answer):
    """The last line of an NDJSON answer that could not be finished; a whole answer has none."""

    error: Problem


class BatchAnswer(Answer):
    """One item for each image, in the order of the request."""

    predictions: tuple[BatchPrediction | BatchFailure, ...]


_Count = Annotated[int, Field(ge=0)]


class FieldDigit(Answer):
    """One digit of a field."""

    digit: int = Field(ge=0, le=9)
    confidence: Rate = Field(description="The digit's own probability where it stands.")
    box: tuple[_Count, _Count, _Count, _Count] = Field(
        description="`[x, y, width, height]` in pixels of the picture, turned upright as its EXIF"
        " says."
    )


class FieldAlternative(Answer):
    """Another text that may stand there."""

    text: str
    confidence: Rate


class ReadField(Answer):
    """What one field says, and whether to believe it."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "model": "reader",
                    "version": "9c41d07e",
                    "text": "1801",
                    "raw": "18.01",
                    "confidence": 0.991,
                    "decision": "accept",
                    "reasons": [],
                    "digits": [
                        {"digit": 1, "confidence": 0.999, "box": [12, 9, 6, 31]},
                        {"digit": 8, "confidence": 0.998, "box": [25, 8, 17, 33]},
                        {"digit": 0, "confidence": 0.999, "box": [51, 9, 18, 30]},
                        {"digit": 1, "confidence": 0.995, "box": [74, 9, 7, 31]},
                    ],
                    "alternatives": [{"text": "1807", "confidence": 0.004}],
                }
            ]
        },
    )

    model: str = Field(description="Name of the reader that answered.")
    version: str = Field(description="Its version; another file has another version.")
    text: Annotated[str, Field(pattern="^[0-9]+$")] | None = Field(
        description="The likeliest digits; null where there are none, or none that keep to what is"
        " asked for."
    )
    raw: str | None = Field(description="The same with the separators `.,-=#` that were seen.")
    confidence: Rate = Field(
        description="Calibrated probability that all of `text` is right; 0 where it is null."
    )
    decision: Decision = Field(description="`accept`, or `review` where a person should look.")
    reasons: tuple[FieldReason, ...] = Field(
        description="Why it is to be reviewed; empty where it is accepted. `no_match`: what is"
        " written does not keep to the length or the checksum that was asked for."
    )
    digits: tuple[FieldDigit, ...] = Field(description="Each digit of `text`, in order.")
    alternatives: tuple[FieldAlternative, ...] = Field(
        description="Other texts, the likeliest first."
    )


class BatchField(ReadField, Place):
    """What a field says, with its place in the batch."""


class FieldBatchAnswer(Answer):
    """One item for each image, in the order of the request."""

    fields: tuple[BatchField | BatchFailure, ...]


class PictureForm(BaseModel):
    """A form with one picture."""

    file: bytes


class BatchForm(BaseModel):
    """A form with several pictures."""

    files: list[bytes] = Field(min_length=1)
