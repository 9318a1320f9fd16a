"""The answers of the API, as pydantic models: what is sent, and what OpenAPI says is sent."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.manifest import DIGITS, ModelCard, StudyResult
from models.reader_card import FieldEvaluations, FieldOperatingPoint, ReaderCard
from models.records import Interval, Rate
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


class OperatingPointSummary(Answer):
    """What can be expected at an error rate that a caller may ask for with `max_error`.

    Measured on MNIST: it holds for single, upright digits written like those.
    """

    max_error: Rate
    threshold: Rate | None = Field(
        description="Least confidence accepted; null: no threshold could be shown to do."
    )
    read_rate: Rate = Field(description="Share of the test images that is accepted.")
    error_rate: Rate = Field(description="Share of wrong answers among them.")
    error_rate_bound: Rate = Field(description="Upper 95% bound of that error rate.")


class _Availability(Answer):
    default: bool = Field(description="Whether it answers when a caller names no model.")
    status: Literal["loaded", "failed"]
    reason: str | None = Field(description="Why it could not be loaded; null where it is loaded.")


class ModelSummary(_Availability):
    """A line of the comparison: how large a model is and how well it reads."""

    name: str
    title: str
    version: str
    parameters: int
    quantised: bool = Field(description="Whether weights and activations have eight bits.")
    accuracy: Rate = Field(description="On the 10,000 MNIST test images, on the served file.")
    accuracy_interval: Interval
    operating_points: tuple[OperatingPointSummary, ...]
    study: tuple[StudyResult, ...] = Field(
        description="What the plain recipe comes to after so many epochs; empty for a model that"
        " was not in the study."
    )


class ReaderSummary(_Availability):
    """How large a reader of fields is and how well it reads fields that were held out."""

    name: str
    title: str
    version: str
    parameters: int
    held_out: FieldEvaluations
    operating_points: tuple[FieldOperatingPoint, ...]


class ModelList(Answer):
    """The published models, in the manifest's order."""

    models: tuple[ModelSummary, ...]
    readers: tuple[ReaderSummary, ...] = Field(description="Those that read fields.")


class ModelDetail(_Availability, ModelCard):
    """Everything the manifest says of a model, and whether it is served."""


class ReaderDetail(_Availability, ReaderCard):
    """Everything the manifest says of a reader of fields, and whether it is served."""


class Liveness(Answer):
    """The process answers."""

    status: Literal["live"] = "live"


class ReloadedModel(Answer):
    """A model that is served after a reload."""

    name: str = Field(description="The model's name.")
    version: str = Field(description="Its version; another file has another version.")


class Reload(Answer):
    """What is served after a reload."""

    default: str = Field(description="Model that answers when a request names none.")
    models: tuple[ReloadedModel, ...] = Field(description="Models that are served.")
    workers: int = Field(ge=1, description="Number of processes that serve them.")


class Readiness(Answer):
    """Models are loaded and warm."""

    status: Literal["ready"] = "ready"
    models: tuple[str, ...] = Field(description="Names of the models that are served.")
    readers: tuple[str, ...] = Field(description="Names of the served models that read fields.")
