"""Query parameters: how to read the images of a request."""

from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Annotated, Any, Literal, get_type_hints

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from starlette.datastructures import QueryParams

from models.fields.constraints import LONGEST, Checksum, Constraints
from models.fields.formats import EXPECTED, DecimalMark, Format, Notation, Order
from service.errors import InvalidRequest
from service.imaging import MOST_PAGES
from service.inference.digits import DigitOptions, Preprocess
from service.inference.fields import FieldOptions
from service.settings import ErrorRate
from service.validation import Fault, must_be

_CACHED_QUERIES = 256

_CALIBRATION = (
    "Name of a calibration in GET /models: thresholds that were chosen on pictures of your own. By"
    " default the service's setting."
)
_PAGE: Any = Field(1, description="Page of a PDF or a TIFF, from 1; in a batch, of every file.")
_Page = Annotated[
    int, Field(ge=1, le=MOST_PAGES), must_be(f"a whole number from 1 to {MOST_PAGES}")
]
_Length = Annotated[int, Field(ge=1, le=LONGEST), must_be(f"a whole number from 1 to {LONGEST}")]
_Amount = Annotated[str, StringConstraints(pattern=EXPECTED), must_be("an amount such as 125.75")]


def _optional(description: str) -> Any:  # noqa: ANN401 - like `Field`
    """Declare a parameter that may be omitted; OpenAPI gets no null, as a query cannot say it."""

    def remove_null(schema: dict[str, Any]) -> None:
        schema |= schema.pop("anyOf")[0]

    return Field(None, description=description, json_schema_extra=remove_null)


class _Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: dict[str, Any]) -> dict[str, Any]:
        if unknown := given.keys() - cls.model_fields.keys():
            what = f"is not known; the parameters are {', '.join(cls.model_fields)}"
            raise InvalidRequest([Fault(where=name[:100], what=what) for name in sorted(unknown)])
        return given


class DigitParameters(_Parameters):
    """How to read digits."""

    model: str | None = _optional("Name of the model; by default the service's default model.")
    max_error: ErrorRate | None = _optional(
        "Maximum error rate among accepted answers, such as 0.001; it selects the"
        " model's operating point. It was measured on MNIST, and holds for single, upright digits"
        " written like those. By default the service's setting.",
    )
    preprocess: Literal["auto", "none"] = Field(
        "auto",
        description="`auto` finds the ink and normalises it like MNIST; `none` takes an image of"
        " 28 x 28 pixels, white on black, as it is.",
    )

    calibration: str | None = _optional(_CALIBRATION)
    page: _Page = _PAGE

    def options(self) -> DigitOptions:
        """Return the options."""
        preprocess = Preprocess(self.preprocess)
        return DigitOptions(self.model, self.max_error, preprocess, self.calibration, self.page)


class FieldParameters(_Parameters):
    """How to read fields."""

    model: str | None = _optional("Name of the reader; by default the first in GET /models.")
    max_error: ErrorRate | None = _optional(
        "Maximum error rate among accepted fields, such as 0.01, where one wrong digit"
        " makes a field wrong; it selects the reader's operating point. It holds for fields like"
        " those in the reader's card. By default the service's setting.",
    )
    length: _Length | None = _optional("Number of digits in the field.")
    min_length: _Length | None = _optional("Minimum number of digits.")
    max_length: _Length | None = _optional("Maximum number of digits.")
    checksum: Checksum | None = _optional(
        "Checksum of the digits: `luhn`, as in card numbers, or `aba`, as in the nine"
        " digits of US bank routing numbers.",
    )
    format: Format | None = _optional(
        "What is written: an `amount`, a `zip` code of 5 or 9 digits, or a `date`. The answer has"
        " the amount or the date; anything else needs a review."
    )
    decimal: DecimalMark | None = _optional(
        "Decimal mark of amounts. Without it, `1.250` is ambiguous and needs a review."
    )
    order: Order | None = _optional(
        "Order of day, month and year in dates. Without it, `3/4/26` is ambiguous and needs a"
        " review."
    )
    expected: _Amount | None = _optional(
        "The amount that you expect, such as `125.75`. The answer has `match`; another amount needs"
        " a review. It has no influence on what is read."
    )

    calibration: str | None = _optional(_CALIBRATION)
    page: _Page = _PAGE

    def options(self) -> FieldOptions:
        """Return the options; raise `InvalidRequest` if the parameters contradict each other."""
        try:
            constraints = Constraints(self.length, self.min_length, self.max_length, self.checksum)
            notation = Notation(self.format, self.decimal, self.order, self.expected)
        except ValueError as error:
            raise InvalidRequest.of("query", str(error)) from error
        return FieldOptions(
            self.model, self.max_error, constraints, self.calibration, notation, self.page
        )


class ParameterRoute(APIRoute):
    """A route whose endpoint takes the request and a model of its query parameters.

    FastAPI documents the model. It would also validate it field by field, at a quarter of the cost
    of a small picture; here pydantic validates it at once, and common queries are remembered.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that Starlette calls."""
        model = get_type_hints(self.endpoint)["parameters"]
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            response: Response = await endpoint(
                request, _parse(model, request.scope["query_string"])
            )
            return response

        return handle


@lru_cache(_CACHED_QUERIES)
def _parse(model: type[BaseModel], query_string: bytes) -> BaseModel:
    query = QueryParams(query_string)
    if len(query) < len(query.multi_items()):
        raise InvalidRequest.of("query", "a parameter is given more than once")
    try:
        return model.model_validate(dict(query))
    except ValidationError as error:
        raise InvalidRequest.from_pydantic(error.errors()) from error
