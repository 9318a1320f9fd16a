"""The query parameters that say how to read: parsed and documented from one model."""

from typing import Literal

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError

from service.api.errors import InvalidRequest
from service.api.schemas import Fault
from service.pipeline import Preprocess, Wish
from service.settings import ErrorRate


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


def wish_of(request: Request) -> Wish:
    """What the query string asks for; a misspelt wish is not lost, but an error.

    Raises:
        InvalidRequest: a parameter is unknown, repeated or out of range.
    """
    if not request.scope["query_string"]:
        return Wish()
    given = request.query_params.multi_items()
    values = dict(given)
    if len(values) < len(given):
        raise InvalidRequest([Fault(where="query", what="a parameter is given more than once")])
    if strangers := values.keys() - ReadingParameters.model_fields.keys():
        what = f"is not known; the parameters are {', '.join(ReadingParameters.model_fields)}"
        raise InvalidRequest([Fault(where=name[:100], what=what) for name in sorted(strangers)])
    try:
        parameters = ReadingParameters.model_validate(values)
    except ValidationError as error:
        raise InvalidRequest.from_pydantic(error.errors(include_url=False)) from error
    return Wish(parameters.model, parameters.max_error, Preprocess(parameters.preprocess))
