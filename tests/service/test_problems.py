"""One table of errors: complete, stable, and silent about the inside."""

import inspect

import pytest
from starlette.exceptions import HTTPException

from service import imaging
from service.api import errors, problem_kinds, problems
from service.auth import api_keys, quotas
from service.inference import admission, catalogue, decisions, engine, registry

# The engine turns them into NotReady, the catalogue into a model that failed; and keys that are
# wrong keep the service from starting.
_INNER = {catalogue.NothingToServe, catalogue.UnusableModel, api_keys.KeysFileError}
_FAMILIES = [
    error
    for room in (
        api_keys,
        quotas,
        engine,
        imaging,
        registry,
        errors,
        admission,
        catalogue,
        decisions,
    )
    for _, error in inspect.getmembers(room, inspect.isclass)
    if issubclass(error, Exception) and error.__module__.startswith("service.")
]


@pytest.mark.parametrize("error", sorted(set(_FAMILIES) - _INNER, key=lambda error: error.__name__))
def test_every_error_of_the_service_has_a_line(error):
    line = problems.kind_of(error.__new__(error))

    assert line is not problem_kinds.INTERNAL_ERROR


def test_slugs_are_unique():
    slugs = [kind.slug for kind in problem_kinds.KINDS]

    assert len(set(slugs)) == len(slugs)


def test_a_subclass_has_the_line_of_its_own():
    assert problems.problem_of(imaging.PictureTooLarge("so large"), "id").status == 413
    assert problems.problem_of(imaging.UnreadableImage("so broken"), "id").status == 422


def test_a_fault_of_the_service_is_not_told_to_the_caller():
    problem = problems.problem_of(RuntimeError("the password is 1234"), "id")

    assert problem.status == 500
    assert "1234" not in problem.model_dump_json()


@pytest.mark.parametrize(("status", "slug"), [(404, "not-found"), (405, "method-not-allowed")])
def test_errors_of_the_framework_are_problems_too(status, slug):
    assert problems.problem_of(HTTPException(status), "id").type == f"/problems/{slug}"
