"""Query parameters: how to read the images of a request."""

from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Annotated, Any, Literal, cast, get_type_hints

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
from service.forms.grid import MOST_CELLS
from service.forms.tables import KINDS, Kind, TableOptions
from service.imaging import MOST_PAGES
from service.inference.digits import DigitOptions, Preprocess
from service.inference.fields import FieldOptions
from service.settings import ErrorRate
from service.validation import Digits, Fault, must_be

_CACHED_QUERIES = 256

_CALIBRATION = (
    "Name of a calibration in GET /models: thresholds that were chosen on pictures of your own. By"
    " default the service's setting."
)
_PAGE: Any = Field(1, description="Page of a PDF or a TIFF, from 1; in a batch, of every file.")
_Page = Annotated[
    Digits, Field(ge=1, le=MOST_PAGES), must_be(f"a whole number from 1 to {MOST_PAGES}")
]
_Length = Annotated[Digits, Field(ge=1, le=LONGEST), must_be(f"a whole number from 1 to {LONGEST}")]
_KIND = f"({'|'.join(KINDS)})"
_Columns = Annotated[
    str,
    StringConstraints(pattern=f"^{_KIND}(,{_KIND})*$", max_length=8 * MOST_CELLS),
    must_be(f"names separated by commas, of {', '.join(KINDS)}"),
]
_Header = Annotated[
    int, Field(ge=0, le=MOST_CELLS), must_be(f"a whole number from 0 to {MOST_CELLS}")
]
_Amount = Annotated[str, StringConstraints(pattern=EXPECTED), must_be("an amount such as 125.75")]


def _optional(description: str) -> Any:  # noqa: ANN401 - like `Field`
    """Declare a parameter that may be omitted; OpenAPI gets no null, as a query cannot say it."""

    def remove_null(schema: dict[str, Any]) -> None:
        schema |= schema.pop("anyOf")[0]

    return Field(None, description=description, json_schema_extra=remove_null)


# The order of parameters is that of the arguments of generated clients: new ones come last.
_DECIMAL = _optional(
    "Decimal mark of amounts. Without it, `1.250` is ambiguous and needs a review."
)
_ORDER = _optional(
    "Order of day, month and year in dates. Without it, `3/4/26` is ambiguous and needs a review."
)


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
        " written like those. By default the service's setting."
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


class _ReaderParameters(_Parameters):
    """Which reader reads, and how it understands what is written."""

    model: str | None = _optional("Name of the reader; by default the first in GET /models.")
    max_error: ErrorRate | None = _optional(
        "Maximum error rate among accepted fields, such as 0.01, where one wrong digit"
        " makes a field wrong; it selects the reader's operating point. It holds for fields like"
        " those in the reader's card. By default the service's setting."
    )


class FieldParameters(_ReaderParameters):
    """How to read fields."""

    length: _Length | None = _optional("Number of digits in the field.")
    min_length: _Length | None = _optional("Minimum number of digits.")
    max_length: _Length | None = _optional("Maximum number of digits.")
    checksum: Checksum | None = _optional(
        "Checksum of the digits: `luhn`, as in card numbers, or `aba`, as in the nine"
        " digits of US bank routing numbers."
    )
    format: Format | None = _optional(
        "What is written: an `amount`, a `zip` code of 5 or 9 digits, or a `date`. The answer has"
        " the amount or the date; anything else needs a review."
    )
    decimal: DecimalMark | None = _DECIMAL
    order: Order | None = _ORDER
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
            notation.require_possible(constraints)
        except ValueError as error:
            raise InvalidRequest.of("query", str(error)) from error
        return FieldOptions(
            self.model, self.max_error, constraints, self.calibration, notation, self.page
        )


class TableParameters(_ReaderParameters):
    """How to read a table."""

    columns: _Columns | None = _optional(
        "What each column has, separated by commas: a `field` of digits, one `digit`, an `amount`,"
        " a `zip` code, a `date`, or `skip` for one that is not read. Without it, all are fields."
        " A table with another number of columns gets 422."
    )
    header: _Header = Field(0, description="Rows at the top that are not read.")
    upright: bool = Field(
        False,
        description="The page is upright. Otherwise it is turned as the digits say; if they do not,"
        " all cells need a review.",
    )

    decimal: DecimalMark | None = _DECIMAL
    order: Order | None = _ORDER
    calibration: str | None = _optional(_CALIBRATION)
    page: _Page = _PAGE

    def options(self) -> TableOptions:
        """Return the options."""
        fields = FieldOptions(
            self.model, self.max_error, calibration=self.calibration, page=self.page
        )
        columns = cast(tuple[Kind, ...], tuple(self.columns.split(",")) if self.columns else ())
        return TableOptions(fields, columns, self.header, self.upright, self.decimal, self.order)


class PageParameters(_Parameters):
    """Which page of a file to read."""

    page: _Page = Field(1, description="Page of a PDF or a TIFF, from 1.")


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
