"""The query parameters that say how to read: parsed and documented from one model."""

from typing import Annotated, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError

from models.fields.constraints import LONGEST, Checksum, Constraints
from service.errors import Fault, InvalidRequest
from service.inference.digits import DigitOptions, Preprocess
from service.inference.fields import FieldOptions
from service.settings import ErrorRate

_Parameters = TypeVar("_Parameters", bound=BaseModel)

Length = Annotated[int, Field(ge=1, le=LONGEST)]


class ReadingParameters(BaseModel):
    """How to read."""

    model: str | None = Field(
        None, description="Name of the model that answers; without it, the default model."
    )
    max_error: ErrorRate | None = Field(
        None,
        description="Error rate among accepted answers that is put up with, such as 0.001: picks"
        " the model's operating point. It was measured on MNIST, and holds for single, upright"
        " digits written like those. Without it, the service's setting.",
    )
    preprocess: Literal["auto", "none"] = Field(
        "auto",
        description="`auto` finds the ink and normalises it as MNIST was; `none` takes an image of"
        " 28 x 28 pixels, white on black, as it is.",
    )


class FieldParameters(BaseModel):
    """How to read fields."""

    model: str | None = Field(
        None, description="Name of the reader that answers; without it, the first published."
    )
    max_error: ErrorRate | None = Field(
        None,
        description="Error rate among accepted fields that is put up with, such as 0.01, where one"
        " wrong digit makes a field wrong: picks the reader's operating point. It holds for fields"
        " like those that the reader's card tells of. Without it, the service's setting.",
    )
    length: Length | None = Field(None, description="How many digits the field has.")
    min_length: Length | None = Field(None, description="The fewest digits that it may have.")
    max_length: Length | None = Field(None, description="The most digits that it may have.")
    checksum: Checksum | None = Field(
        None,
        description="What its digits satisfy: `luhn`, as card numbers do, or `aba`, as the nine"
        " digits of routing numbers of banks in the United States.",
    )


def digit_options_of(request: Request) -> DigitOptions:
    """What the query string asks for; a misspelt wish is not lost, but an error.

    Raises:
        InvalidRequest: a parameter is unknown, repeated or out of range.
    """
    if not request.scope["query_string"]:
        return DigitOptions()
    parameters = _parameters(request, ReadingParameters)
    return DigitOptions(parameters.model, parameters.max_error, Preprocess(parameters.preprocess))


def field_options_of(request: Request) -> FieldOptions:
    """What the query string asks for where fields are read.

    Raises:
        InvalidRequest: a parameter is unknown, repeated or out of range, or several contradict
            each other.
    """
    if not request.scope["query_string"]:
        return FieldOptions()
    given = _parameters(request, FieldParameters)
    try:
        constraints = Constraints(given.length, given.min_length, given.max_length, given.checksum)
    except ValueError as error:
        raise InvalidRequest.of("query", str(error)) from error
    return FieldOptions(given.model, given.max_error, constraints)


def _parameters(request: Request, model: type[_Parameters]) -> _Parameters:
    given = request.query_params.multi_items()
    values = dict(given)
    if len(values) < len(given):
        raise InvalidRequest([Fault(where="query", what="a parameter is given more than once")])
    if strangers := values.keys() - model.model_fields.keys():
        what = f"is not known; the parameters are {', '.join(model.model_fields)}"
        raise InvalidRequest([Fault(where=name[:100], what=what) for name in sorted(strangers)])
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidRequest.from_pydantic(error.errors(include_url=False)) from error
