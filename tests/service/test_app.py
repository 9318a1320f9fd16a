"""The application around a fault of its own."""

from tests.service.faults import answer_to_a_fault


def test_an_unforeseen_error_is_a_problem_with_its_request_id():
    response = answer_to_a_fault("/broken")

    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-Request-ID"] == response.json()["request_id"] == "mine"
    assert "1234" not in response.text
