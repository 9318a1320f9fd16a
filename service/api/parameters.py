"""The query parameters that say how to read: parsed and documented from one model."""

from typing import Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.api.errors import InvalidRequest
from service.api.schemas import Fault
from service.reader import Preprocess, Wish


class ReadingParameters(BaseModel):
    """How to read; a name that is not known is an error, so that no misspelt wish is lost."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(
        None, description="Name of the model that answers; without it, the default model."
    )
    max_error: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        allow_inf_nan=False,
        description="Error rate among accepted answers that is put up with, such as 0.001: picks"
        " the model's operating point. Without it, the service's setting.",
    )
    preprocess: Literal["auto", "none"] = Field(
        "auto",
        description="`auto` finds the ink and normalises it as MNIST was; `none` takes an image of"
        " 28 x 28 pixels, white on black, as it is.",
    )


def wish_of(request: Request) -> Wish:
    """What the query string asks for.

    Raises:
        InvalidRequest: a parameter is unknown, repeated or out of range.
    """
    if not request.scope["query_string"]:
        return Wish()
    given = request.query_params.multi_items()
    values = dict(given)
    if len(values) < len(given):
        raise InvalidRequest([Fault(where="query", what="a parameter is given more than once")])
    try:
        parameters = ReadingParameters.model_validate(values)
    except ValidationError as error:
        raise InvalidRequest.from_pydantic(error.errors(include_url=False)) from error
    return Wish(parameters.model, parameters.max_error, Preprocess(parameters.preprocess))
