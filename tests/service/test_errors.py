"""Public errors: complete, stable, in our own words."""

from typing import Annotated, Literal

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from service import errors
from service.api.problems import problem_of
from service.errors import InvalidRequest
from service.imaging import PictureTooLarge, UnreadableImage
from service.validation import must_be


class Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rate: Annotated[float, Field(ge=0, le=1), must_be("a number from 0 to 1")] = 0
    length: int = Field(1, ge=1, le=20)
    checksum: Literal["luhn", "aba"] = "aba"
    texts: list[str] = Field((), max_length=2)


def test_every_problem_type_has_a_slug_and_an_explanation_of_its_own():
    assert len({kind.slug for kind in errors.PROBLEMS}) == len(errors.PROBLEMS) > 30
    assert all(kind.explanation and kind.title for kind in errors.PROBLEMS)


def test_a_subclass_has_a_problem_type_of_its_own():
    assert problem_of(PictureTooLarge("so large"), "id").status == 413
    assert problem_of(UnreadableImage("so broken"), "id").status == 422


def test_an_unexpected_error_gives_no_details():
    problem = problem_of(RuntimeError("the password is 1234"), "id")

    assert problem.status == 500
    assert "1234" not in problem.model_dump_json()


def test_a_failed_inference_gives_no_details():
    assert "secret" not in problem_of(errors.InferenceFailed("secret"), "id").detail


@pytest.mark.parametrize(("status", "slug"), [(404, "not-found"), (405, "method-not-allowed")])
def test_errors_of_the_framework_are_problems_too(status, slug):
    assert problem_of(HTTPException(status), "id").type == f"/problems/{slug}"


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({"rate": "x"}, "rate: must be a number from 0 to 1"),
        ({"rate": 2}, "rate: must be a number from 0 to 1"),
        ({"length": 0}, "length: must be at least 1"),
        ({"length": 21}, "length: must be at most 20"),
        ({"length": "x"}, "length: must be a whole number"),
        ({"checksum": "x"}, "checksum: must be one of luhn, aba"),
        ({"texts": 1}, "texts: must be a list"),
        ({"texts": [1]}, "texts.0: must be a string"),
        ({"texts": ["a"] * 3}, "texts: must have at most 2 items, not 3"),
        ({"other": 1}, "other: is not known"),
    ],
)
def test_what_is_allowed_is_said_in_plain_words(values, detail):
    with pytest.raises(ValidationError) as raised:
        Parameters.model_validate(values)

    assert str(InvalidRequest.from_pydantic(raised.value.errors())) == detail


def test_a_fault_names_the_parameter_without_its_source():
    error = RequestValidationError([{"loc": ("query", "rate"), "type": "missing", "msg": ""}])

    [fault] = problem_of(error, "id").errors
    assert (fault.where, fault.what) == ("rate", "is required")


def test_no_sentence_of_pydantic_reaches_a_caller():
    error = {"loc": ("x",), "type": "of_a_later_version", "msg": "Input should be"}

    assert "Input" not in str(InvalidRequest.from_pydantic([error]))
