"""Faults of a request in our own words: what is wrong, and what is allowed."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

# A batch can be wrong in a thousand places; the first few are enough to fix it.
MAX_FAULTS = 20

# FastAPI's locations begin with where a value comes from.
_SOURCES = frozenset({"query", "path", "header", "cookie", "body"})

# Our words for pydantic's error types, with the names of its context. Pydantic's own sentences
# never reach callers: any other type is `_OTHERWISE`.
_DESCRIPTIONS = {
    "missing": "is required",
    "extra_forbidden": "is not known",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "finite_number": "must be a finite number",
    "too_short": "must have at least {min_length} items, not {actual_length}",
    "too_long": "must have at most {max_length} items, not {actual_length}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "json_invalid": "must be valid JSON",
    "string_type": "must be a string",
    **dict.fromkeys(("float_parsing", "float_type"), "must be a number"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "must be true or false"),
    **dict.fromkeys(("list_type", "tuple_type"), "must be a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be an object"),
}
_OTHERWISE = "has a value that is not allowed"
_MUST_BE = "must_be"


def _plain(number: str) -> BeforeValidator:
    def validate(value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(number, value):
            raise ValueError("must be a plain number")
        return value

    return BeforeValidator(validate)


# Python also takes `1_0`, ` 10`, `+10` and other digits than these for numbers.
Digits = Annotated[int, _plain("-?[0-9]+")]
Decimal = Annotated[float, _plain(r"-?([0-9]+\.?|[0-9]*\.[0-9]+)([eE][-+]?[0-9]+)?")]


class Fault(BaseModel):
    """One invalid parameter or part of a body."""

    model_config = ConfigDict(frozen=True)

    where: str = Field(description="The parameter, or the path into the body.")
    what: str


def faults_of(errors: Iterable[Any]) -> list[Fault]:
    """Translate pydantic's error dictionaries, without the values: they may hold an image."""
    return [
        Fault(where=_location(error["loc"]), what=_describe(error))
        for error in islice(errors, MAX_FAULTS)
    ]


def must_be(allowed: str) -> WrapValidator:
    """Annotate a field so that callers learn what is allowed, whatever is wrong with a value.

    ErrorRate = Annotated[float, Field(ge=0, le=1), must_be("a number from 0 to 1")]
    """

    def validate(value: object, validated: Callable[[object], object]) -> object:
        try:
            return validated(value)
        except ValidationError:
            raise PydanticCustomError(_MUST_BE, "must be {allowed}", {"allowed": allowed}) from None

    return WrapValidator(validate)


def _location(location: Iterable[str | int]) -> str:
    where = list(map(str, location))
    if len(where) > 1 and where[0] in _SOURCES:
        del where[0]
    return ".".join(where)[:100] or "body"


def _describe(error: Mapping[str, Any]) -> str:
    kind, context = error["type"], dict(error.get("ctx", {}))
    if kind == "value_error":
        return str(context["error"])
    if kind == _MUST_BE:
        return str(error["msg"])
    if "expected" in context:
        context["expected"] = context["expected"].replace("'", "").replace(" or ", ", ")
    try:
        return _DESCRIPTIONS[kind].format(**context)
    except KeyError:
        return _OTHERWISE
