"""Feedback and reviews by the Python client."""

import cv2
import numpy as np
import pytest

from numeral_client import Item, errors
from service.auth.api_keys import Role, new_key
from tests.strips import bars

pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")


def test_the_first_answer_stays(numeral, seven):
    read = numeral.predict(seven)

    stored = numeral.feedback(read.request_id, digit=7)
    other = numeral.feedback(numeral.predict(seven).request_id, digit=None)

    assert (stored.kind, stored.read, stored.answer, stored.right) == ("digit", "7", "7", True)
    assert numeral.feedback(read.request_id, digit=7) == stored
    assert (other.answer, other.right) == (None, False)
    with pytest.raises(errors.AnsweredOtherwise):
        numeral.feedback(read.request_id, digit=1)


def test_a_picture_of_a_batch_is_named_by_its_place_or_its_id(numeral, seven, draw):
    first, second = numeral.predict_batch([seven, Item(draw(1), "cheque-12")])

    assert numeral.feedback(first.request_id, digit=7, index=0).right
    assert numeral.feedback(second.request_id, digit=1, id="cheque-12").index == 1


def test_a_picture_of_a_stream_is_named_by_its_id(numeral, draw):
    items = [Item(draw(digit), digit) for digit in (3, 1, 7)]
    answers = list(numeral.predict_stream(items, images_per_request=1))

    stored = [numeral.feedback(each.request_id, digit=each.id, id=each.id) for each in answers]

    assert [each.answer for each in stored] == ["3", "1", "7"]


def test_a_field_is_answered_with_its_text(numeral):
    read = numeral.fields(bars("1801"))

    stored = numeral.feedback(read.request_id, text="1807")

    assert (stored.kind, stored.read, stored.answer, stored.right) == (
        "field",
        "1801",
        "1807",
        False,
    )


def test_errors_of_feedback(numeral, connect, server, seven):
    off = connect(server)

    with pytest.raises(errors.UnknownPrediction):
        numeral.feedback("unknown", digit=7)
    with pytest.raises(errors.AdminOff):
        numeral.reviews()
    with pytest.raises(errors.FeedbackOff):
        off.feedback(off.predict(seven).request_id, digit=7)


def test_a_review_is_seen_and_answered(connect, start_ready, tmp_path, seven, blank):
    key, entry = new_key("auditor", Role.ADMIN)
    keys = tmp_path / "keys.jsonl"
    keys.write_text(entry.model_dump_json())
    service = start_ready(
        api_keys_file=keys,
        feedback_database=f"sqlite:///{tmp_path}/feedback.db",
        feedback_images=True,
    )
    client = connect(service.url, api_key=key)
    read = client.predict(blank)
    # Readings are stored in order, so the one above is stored too.
    client.feedback(client.predict(seven).request_id, digit=7)

    [review] = client.reviews(limit=10)

    assert (review.request_id, review.caller, review.reasons) == (
        read.request_id,
        "auditor",
        ("blank",),
    )
    pixels = cv2.imdecode(np.frombuffer(client.picture(review), np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels.shape == (28, 28)
    client.feedback(review.request_id, digit=None, index=review.index)
    assert client.reviews() == ()


def test_a_picture_that_is_not_stored_raises(numeral, seven):
    stored = numeral.feedback(numeral.predict(seven).request_id, digit=7)

    with pytest.raises(ValueError, match="NUMERAL_FEEDBACK_IMAGES"):
        numeral.picture(stored)
