"""A fault of the service under the protocol's paths."""

from tests.service.faults import answer_to_a_fault


def test_an_unforeseen_error_is_in_the_protocols_shape():
    response = answer_to_a_fault("/v2/broken")

    assert response.status_code == 500
    assert response.json().keys() == {"error"}
    assert response.headers["X-Request-ID"] == "mine"
    assert "1234" not in response.text
