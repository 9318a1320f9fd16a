"""A service in this process that is asked nonsense, and after each answer something sensible."""

import json
from collections.abc import Callable

import pytest

from service.api.problems import MEDIA_TYPE, TYPES_PATH
from service.errors import InternalError
from service.settings import Settings
from tests.fuzz import seeds
from tests.fuzz.asking import Answer, running_application

MAX_BATCH = 8
MAX_PIXELS = 1_000_000


@pytest.fixture(scope="session")
def application():
    with running_application(Settings(max_batch=MAX_BATCH, max_pixels=MAX_PIXELS)) as running:
        yield running


@pytest.fixture(scope="session")
def ask(application) -> Callable[..., Answer]:
    """Asks, and makes sure that the answer is a documented one and the service as it was."""
    document = application.ask("GET", b"/openapi.json").json()
    documented = {
        (method.upper(), path): {int(status) for status in operation["responses"]} - {500}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }

    def asked(method: str, path: str, *arguments, template: str = "", **options) -> Answer:
        answer = application.ask(method, path.encode(), *arguments, **options)
        assert answer.status in documented[method, template or path], answer
        assert f"{TYPES_PATH}/{InternalError.slug}".encode() not in answer.body
        if answer.status >= 400:
            _check_error(answer, is_protocol=path.startswith("/v2"))
        _check_that_it_reads(application)
        return answer

    return asked


def _check_error(answer: Answer, *, is_protocol: bool) -> None:
    content = answer.json()
    if is_protocol:
        assert answer.headers["content-type"] == "application/json"
        assert list(content) == ["error"]
        assert isinstance(content["error"], str)
    else:
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert content["type"].startswith(TYPES_PATH)
        assert content["status"] == answer.status
        assert content["request_id"] == answer.headers["x-request-id"]


def _check_that_it_reads(application) -> None:
    answer = application.ask("POST", b"/predict", seeds.picture())
    assert answer.status == 200
    assert json.loads(answer.body)["digit"] == 1
