"""The Python client knows what the service says: its answers, its parameters, its problems."""

import inspect
from typing import get_type_hints

import httpx
import pytest

from numeral_client import answers, cards, errors, kept, problem, reader_cards, records
from numeral_client.family import ProblemError
from numeral_client.feedback_calls import Right
from numeral_client.wishes import DigitWish, FieldWish
from service.api.error_groups import BATCH_ERRORS, SINGLE_ERRORS
from service.api.errors import AdminOff, InvalidItem, KeyRequired, LineTooLong, RoleRequired
from service.api.problem_kinds import INTERNAL_ERROR, METHOD_NOT_ALLOWED, NOT_FOUND, TABLE
from service.auth.quotas import QuotaExceeded
from service.feedback.errors import (
    AnsweredOtherwise,
    FeedbackOff,
    FeedbackUnavailable,
    UnknownPrediction,
)

OF_FEEDBACK = (
    AdminOff,
    AnsweredOtherwise,
    FeedbackOff,
    FeedbackUnavailable,
    UnknownPrediction,
)

# What the client itself adds.
REQUEST_ID = "request_id"

ANSWERS = {
    name: model
    for module in (answers, cards, kept, problem, reader_cards, records)
    for name, model in inspect.getmembers(module, inspect.isclass)
    if issubclass(model, problem.Answer)
}


@pytest.fixture(scope="module")
def document(server):
    return httpx.get(f"{server}/openapi.json").json()


def test_the_client_knows_every_schema_that_its_answers_are_made_of(document):
    wanted = {"Prediction", "BatchAnswer", "ReadField", "FieldBatchAnswer", "ModelList", "Problem"}
    wanted |= {"ModelDetail", "ReaderDetail", "KeptFeedback", "Reviews"}
    schemas, reached = document["components"]["schemas"], set()
    while wanted:
        name = wanted.pop()
        reached.add(name)
        wanted |= set(_references(schemas[name])) - reached
    objects = {name for name in reached if schemas[name].get("type") == "object"}

    assert objects - ANSWERS.keys() == {"BatchAnswer", "FieldBatchAnswer"}


def test_an_answer_has_the_fields_that_the_document_says(document):
    schemas = document["components"]["schemas"]
    both = ANSWERS.keys() & schemas.keys()

    known = {name: ANSWERS[name].model_fields.keys() - {REQUEST_ID} for name in both}

    assert known == {name: schemas[name]["properties"].keys() - {REQUEST_ID} for name in both}


@pytest.mark.parametrize(
    ("path", "wish"), [("/predict", DigitWish), ("/fields", FieldWish)], ids=["digits", "fields"]
)
def test_a_wish_is_every_parameter_that_the_document_says(document, path, wish):
    for each in (path, f"{path}/batch"):
        names = {
            parameter["name"]
            for parameter in document["paths"][each]["post"]["parameters"]
            if parameter["in"] == "query"
        }
        assert get_type_hints(wish).keys() - {REQUEST_ID} == names


def test_what_is_right_is_said_as_the_document_has_it(document):
    names = document["components"]["schemas"]["Feedback"]["properties"].keys()

    assert get_type_hints(Right).keys() == names - {REQUEST_ID}


def test_every_problem_that_a_call_may_end_with_has_a_class():
    of_keys, of_items = (KeyRequired, RoleRequired, QuotaExceeded), (InvalidItem, LineTooLong)
    kinds = [TABLE[error] for error in (*SINGLE_ERRORS, *BATCH_ERRORS, *of_keys, *of_items)]
    kinds += [TABLE[error] for error in OF_FEEDBACK]
    kinds += [INTERNAL_ERROR, METHOD_NOT_ALLOWED, NOT_FOUND]

    known = {
        kind.slug
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, ProblemError)
    }

    assert {kind.slug for kind in kinds} <= known


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
