"""The Python client covers the service's answers, parameters and problems."""

import inspect
from typing import get_type_hints

import httpx
import pytest

from numeral_client import cards, errors, schemas
from service.errors import PROBLEMS

ANSWERS = {
    name: model
    for module in (cards, schemas)
    for name, model in inspect.getmembers(module, inspect.isclass)
    if issubclass(model, schemas.Answer)
}

# The client adds it to answers and options.
REQUEST_ID = "request_id"

# Problems of calls that the client does not have.
OTHER_CALLS = {
    *("client-disconnected", "reload-failed", "reload-in-progress"),
    *("no-table", "unknown-form", "unusable-form"),
}


@pytest.fixture(scope="module")
def document(server):
    return httpx.get(f"{server}/openapi.json").json()


def test_the_client_has_every_schema_of_its_answers(document):
    pending = {"Prediction", "BatchAnswer", "ReadField", "FieldBatchAnswer", "ModelList", "Problem"}
    pending |= {"ModelDetail", "ReaderDetail", "KeptFeedback", "Reviews"}
    components, reached = document["components"]["schemas"], set()
    while pending:
        name = pending.pop()
        reached.add(name)
        pending |= set(_references(components[name])) - reached
    objects = {name for name in reached if components[name].get("type") == "object"}

    assert objects - ANSWERS.keys() == {"BatchAnswer", "FieldBatchAnswer"}


def test_an_answer_has_the_fields_of_its_schema(document):
    components = document["components"]["schemas"]
    common = ANSWERS.keys() & components.keys()

    fields = {name: ANSWERS[name].model_fields.keys() - {REQUEST_ID} for name in common}

    assert fields == {name: components[name]["properties"].keys() - {REQUEST_ID} for name in common}


@pytest.mark.parametrize(
    ("path", "options"),
    [("/predict", schemas.DigitOptions), ("/fields", schemas.FieldOptions)],
    ids=["digits", "fields"],
)
def test_options_are_the_query_parameters(document, path, options):
    for each in (path, f"{path}/batch"):
        parameters = document["paths"][each]["post"]["parameters"]
        names = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}

        assert get_type_hints(options).keys() - {REQUEST_ID} == names


def test_a_correction_has_the_properties_of_the_feedback_body(document):
    names = document["components"]["schemas"]["Feedback"]["properties"].keys()

    assert get_type_hints(schemas.Correction).keys() == names - {REQUEST_ID}


def test_every_problem_has_a_class():
    slugs = {kind.slug for kind in PROBLEMS}
    classes = inspect.getmembers(errors, inspect.isclass)
    known = {kind.slug for _, kind in classes if issubclass(kind, errors.ProblemError)}

    assert slugs - known <= OTHER_CALLS


def _references(schema):
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value.rsplit("/", 1)[-1]
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)
