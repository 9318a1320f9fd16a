"""The application around a fault of its own."""

import logging

from service.telemetry import JsonFormatter
from tests.service.faults import answer_to_a_fault


def test_an_unforeseen_error_is_a_problem_with_its_request_id():
    response = answer_to_a_fault("/broken")

    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-Request-ID"] == response.json()["request_id"] == "mine"
    assert "1234" not in response.text


def test_a_json_log_line_carries_the_request_id_and_the_exception():
    try:
        raise ValueError("wrong")
    except ValueError as error:
        record = logging.makeLogRecord(
            {"msg": "it is %s", "args": ("so",), "request_id": "mine", "exc_info": _info(error)}
        )

    line = JsonFormatter().format(record)

    assert '"message": "it is so"' in line
    assert '"request_id": "mine"' in line
    assert "ValueError: wrong" in line


def _info(error):
    return type(error), error, error.__traceback__
