"""The review queue over HTTP: claims, alternatives, pages, skipping and deleting."""

import cv2
import numpy as np
import pytest

from service.auth.api_keys import ApiKeys, Role, new_key
from tests.strips import bars

pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")

WIDE = bars("17", height=80)


@pytest.fixture
def reviewer(app_client, tmp_path):
    """A client of a service that stores pictures and pages, with a key of the role `admin`."""
    token, key = new_key("owner", Role.ADMIN)
    client = app_client(
        ApiKeys([key]),
        feedback_database=f"sqlite:///{tmp_path}/feedback.db",
        feedback_images=True,
        feedback_pages=True,
    )
    client.headers["X-API-Key"] = token
    return client


def claim(client, session, **parameters):
    answer = client.post("/reviews/claim", params={"session": session, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def read_wide(client):
    """Read a picture of two digits, which needs review; return its request id."""
    request_id = client.post("/predict", content=WIDE).json()["request_id"]
    assert client.get(f"/predictions/{request_id}").status_code == 200
    return request_id


def size(file):
    return cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_GRAYSCALE).shape


def page_size(client, review):
    return size(client.get(review["page"]).content)


def test_two_sessions_get_different_reviews_with_alternatives_and_pages(reviewer):
    first, second = read_wide(reviewer), read_wide(reviewer)

    [ann], [bob] = (claim(reviewer, name, limit=1)["reviews"] for name in ("ann", "bob"))
    nothing = claim(reviewer, "eve")

    assert [ann["request_id"], bob["request_id"]] == [first, second]
    assert (nothing["waiting"], nothing["reviews"]) == (2, [])
    assert all(each["text"] != ann["read"] for each in ann["alternatives"])
    assert reviewer.get(ann["page"]).headers["Content-Type"] == "image/jpeg"
    assert page_size(reviewer, ann) == size(WIDE)
    assert reviewer.get(ann["image"]).headers["Content-Type"] == "image/png"


def test_the_page_of_a_batch_belongs_to_its_picture_and_accepted_ones_have_none(reviewer, seven):
    files = [("files", seven), ("files", WIDE)]
    request_id = reviewer.post("/predict/batch", files=files).json()["request_id"]
    reviewer.get(f"/predictions/{request_id}")

    [review] = reviewer.get("/reviews").json()["reviews"]

    assert review["index"] == 1
    assert page_size(reviewer, review) == size(WIDE)


def test_a_review_is_skipped_or_deleted(reviewer):
    skipped, deleted = read_wide(reviewer), read_wide(reviewer)
    body = {"request_id": skipped, "skip": True}

    answer, again = (reviewer.post("/feedback", json=body) for _ in range(2))
    assert (answer.status_code, again.status_code) == (201, 200)
    assert (answer.json()["answer"], answer.json()["right"]) == (None, None)
    path = f"/predictions/{deleted}"
    assert [reviewer.delete(path).status_code for _ in range(2)] == [204, 404]

    assert reviewer.get(path).status_code == 404
    assert claim(reviewer, "ann")["waiting"] == 0
    assert 'outcome="skipped"' in reviewer.get("/metrics").text


@pytest.mark.parametrize("session", ["", "a b", 65 * "a"])
def test_a_session_without_a_proper_name_is_refused(reviewer, session):
    assert reviewer.post("/reviews/claim", params={"session": session}).status_code == 422


def test_claiming_and_deleting_require_keys(app_client, tmp_path):
    client = app_client(feedback_database=f"sqlite:///{tmp_path}/feedback.db")

    for answer in (client.post("/reviews/claim?session=a"), client.delete("/predictions/1")):
        assert answer.json()["type"] == "/problems/admin-off"
