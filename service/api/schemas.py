"""The answers of the API as pydantic models: the schemas of what `responses` writes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.manifest import DIGITS
from models.records import Rate
from service.api.problems import Problem
from service.forms.tables import Kind
from service.imaging import PaperKind, Polarity
from service.inference.decisions import Decision, Reason
from service.inference.field_answers import FieldReason

ItemId = str | int
MAX_ID_LENGTH = 256


def is_none(value: object) -> bool:
    """Return whether a field has no value and is to be omitted."""
    return value is None


class Answer(BaseModel):
    """Base class of all answers."""

    model_config = ConfigDict(frozen=True)


class Identified(Answer):
    """An answer with the id of its request."""

    request_id: str = Field(description="`X-Request-ID` of the response; POST /feedback takes it.")


class ReadDigit(Answer):
    """The digit in an image, and whether to trust it."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "request_id": "0f8b1c",
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
    version: str = Field(description="Version of the model; it changes with the file.")
    digit: Annotated[int, Field(ge=0, le=9)] | None = Field(
        description="Most probable digit; null if the image is blank."
    )
    confidence: Rate = Field(
        description="Calibrated probability that the digit is right; 0 if the image is blank."
    )
    decision: Decision = Field(description="`accept`, or `review` if a person should look at it.")
    reasons: tuple[Reason, ...] = Field(
        description="Why it needs a review; empty if it is accepted."
    )
    probabilities: tuple[Rate, ...] = Field(
        min_length=DIGITS,
        max_length=DIGITS,
        description="Probabilities of the digits 0 to 9; all 0 if the image is blank.",
    )


class Prediction(ReadDigit, Identified):
    """The digit in the image of a request."""


class Place(Answer):
    """The position of an image in a batch."""

    index: int = Field(ge=0, description="Index of the image in the request, from 0.")
    id: ItemId | None = Field(
        None,
        exclude_if=is_none,
        description="The id that was sent with the image, or its file name; absent if it has"
        " neither.",
    )


class BatchPrediction(ReadDigit, Place):
    """A prediction for an image of a batch."""


class BatchFailure(Place):
    """An image of the batch that could not be read."""

    error: Problem


class BatchEnd(Answer):
    """The last line of an NDJSON answer that was cut short; a complete answer has none."""

    error: Problem


class BatchAnswer(Identified):
    """One item for each image, in the order of the request."""

    predictions: tuple[BatchPrediction | BatchFailure, ...]


_Count = Annotated[int, Field(ge=0)]


class SeenPicture(Identified):
    """What a model sees of a picture, and where it is."""

    image: str = Field(
        description="A PNG of 28 x 28 pixels, white ink on black.",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "image/png"},
    )
    size: tuple[_Count, _Count] = Field(
        description="`[width, height]` of the picture that `box` refers to: yours, rotated as its"
        " EXIF says. A JPEG of more than 1,000 pixels is reduced to 1/2, 1/4 or 1/8."
    )
    box: tuple[_Count, _Count, _Count, _Count] | None = Field(
        description="`[x, y, width, height]` of the ink; null if there is none, or with"
        " `preprocess=none`. Reduced by whole pixels, it can be a little too small or large."
    )
    polarity: Polarity | None = Field(
        description="`dark` ink on lighter paper, or `light`; null without `box`."
    )
    paper: PaperKind | None = Field(
        description="Light on the paper: `plain` is even, `uneven` falls off, `shadow` has the"
        " edge of a shadow; null without `box`."
    )
    reasons: tuple[Reason, ...] = Field(description="What is wrong with the picture; often empty.")


class FieldDigit(Answer):
    """One digit of a field."""

    digit: int = Field(ge=0, le=9)
    confidence: Rate = Field(description="Probability of the digit at its position.")
    box: tuple[_Count, _Count, _Count, _Count] = Field(
        description="`[x, y, width, height]` in pixels of the picture, rotated as its EXIF says."
    )


class Amount(Answer):
    """An amount of money."""

    value: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{2}$")] = Field(
        description="The amount as decimal text, such as `125.75`."
    )
    units: _Count = Field(description="What is before the decimal mark.")
    cents: int = Field(ge=0, le=99)


class FieldAlternative(Answer):
    """Another possible text of the field."""

    text: str
    confidence: Rate
    amount: Amount | None = Field(None, exclude_if=is_none, description="What it means.")
    date: str | None = Field(None, exclude_if=is_none, description="What it means.")


class ReadText(Answer):
    """What is written in a field, and whether to trust it."""

    text: Annotated[str, Field(pattern="^[0-9]+$")] | None = Field(
        description="Most probable digits; null if there are none, none that match the parameters,"
        " or if they are parts of a fraction."
    )
    raw: str | None = Field(
        description="The digits with the other symbols that were recognised: `.,-=#`, `/` for a"
        " slash, `_` before cents that are raised or stand over a line, `$`, `x` for a letter, and"
        " `*` for any other sign."
    )
    confidence: Rate = Field(
        description="Calibrated probability that all of `text`, `amount` and `date` is right; 0 if"
        " they are null."
    )
    decision: Decision = Field(description="`accept`, or `review` if a person should look at it.")
    reasons: tuple[FieldReason, ...] = Field(
        description="Why it needs a review; empty if it is accepted. `no_match`: the field does not"
        " match the requested length, checksum or format."
    )
    amount: Amount | None = Field(
        None,
        description="The amount, present with `format=amount`; null if none was read, or if it is"
        " `ambiguous`.",
    )
    date: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = Field(
        None,
        description="The date, as ISO 8601 has it; present with `format=date`, null as `amount`.",
    )
    alternatives: tuple[FieldAlternative, ...] = Field(
        description="Other possible texts, most probable first. With the reason `no_match` these"
        " are what is written, and do not match the parameters."
    )


class FieldReading(ReadText):
    """The text of a field, and whether to trust it."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "request_id": "77d2e0",
                    "model": "reader",
                    "version": "9c41d07e",
                    "text": "1801",
                    "raw": "18.01",
                    "confidence": 0.991,
                    "decision": "accept",
                    "reasons": [],
                    "amount": {"value": "18.01", "units": 18, "cents": 1},
                    "match": True,
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
    version: str = Field(description="Version of the model; it changes with the file.")
    match: bool | None = Field(
        None,
        description="Whether the amount is the expected one; present with `expected`, and never a"
        " reason to accept.",
    )
    digits: tuple[FieldDigit, ...] = Field(description="Each digit that was read, in order.")


class ReadField(FieldReading, Identified):
    """The text of the field of a request."""


class BatchField(FieldReading, Place):
    """The text of a field in a batch."""


class FieldBatchAnswer(Identified):
    """One item for each image, in the order of the request."""

    fields: tuple[BatchField | BatchFailure, ...]


_Point = tuple[float, float]
_Corners = tuple[_Point, _Point, _Point, _Point]


class TableCell(ReadText):
    """A cell of a table that something is written in."""

    index: int = Field(
        ge=0, description="Index of the cell among those that were read; POST /feedback takes it."
    )
    corners: _Corners = Field(
        description="`[x, y]` of its corners in pixels of the page, clockwise from the top left of"
        " what is written."
    )


class TableAnswer(Identified):
    """What is written in a table, and whether to trust it."""

    model: str | None = Field(description="Name of the reader; null if nothing is written.")
    version: str | None = Field(description="Version of the model; it changes with the file.")
    decision: Decision = Field(description="`accept` if every cell is accepted or empty.")
    size: tuple[_Count, _Count] = Field(description="`[width, height]` of the page in pixels.")
    turned: Literal[0, 90, 180, 270] = Field(
        description="Degrees, anticlockwise, by which the page was turned to be upright."
    )
    corners: _Corners = Field(description="Of the table, as those of a cell.")
    columns: tuple[Kind, ...] = Field(description="What each column of the page has.")
    header: _Count = Field(description="Rows at the top that were not read.")
    rows: tuple[tuple[TableCell | None, ...], ...] = Field(
        description="The rows below, each with a cell for every column but those with `skip`; an"
        " empty cell is null."
    )


class PictureForm(BaseModel):
    """A form with one picture."""

    file: bytes


class TrialForm(BaseModel):
    """A form with a form file, and a page to read with it."""

    form: str = Field(description="YAML, as in a file of `NUMERAL_FORMS`.")
    file: bytes | None = Field(None, description="A picture of a page; without it, none is read.")
    reference: bytes | None = Field(
        None, description="The picture of the blank page, for `found_by: reference`."
    )


class BatchForm(BaseModel):
    """A form with several pictures."""

    files: list[bytes] = Field(min_length=1)
