"""The Python client says what was right, and asks what waits for a person."""

import cv2
import numpy as np
import pytest

from numeral_client import Item, errors
from service.auth.api_keys import Role, new_key
from tests.strips import bars

pytest.importorskip("sqlalchemy", reason="needs the extra 'feedback'")


def test_a_prediction_is_answered_once_and_its_answer_stays(numeral, seven):
    read = numeral.predict(seven)

    told = numeral.feedback(read.request_id, digit=7)

    assert (told.kind, told.read, told.answer, told.right) == ("digit", "7", "7", True)
    assert numeral.feedback(read.request_id, digit=7) == told
    with pytest.raises(errors.AnsweredOtherwise):
        numeral.feedback(read.request_id, digit=1)


def test_a_picture_in_which_nothing_is_to_be_seen_is_answered_with_none(numeral, seven):
    told = numeral.feedback(numeral.predict(seven).request_id, digit=None)

    assert (told.answer, told.right) == (None, False)


def test_a_picture_of_a_batch_is_named_by_its_place_or_its_id(numeral, seven, draw):
    first, second = numeral.predict_batch([seven, Item(draw(1), "cheque-12")])

    assert numeral.feedback(first.request_id, digit=7, index=0).right
    assert numeral.feedback(second.request_id, digit=1, id="cheque-12").index == 1


def test_a_picture_of_a_stream_is_named_by_its_id(numeral, draw):
    items = [Item(draw(digit), digit) for digit in (3, 1, 7)]
    answers = list(numeral.predict_stream(items, images_per_request=1))

    told = [numeral.feedback(each.request_id, digit=each.id, id=each.id) for each in answers]

    assert [each.answer for each in told] == ["3", "1", "7"]


def test_a_field_is_answered_with_its_text(numeral):
    read = numeral.fields(bars("1801"))

    told = numeral.feedback(read.request_id, text="1807")

    assert (told.kind, told.read, told.answer, told.right) == ("field", "1801", "1807", False)


def test_a_request_that_nobody_made_is_unknown(numeral):
    with pytest.raises(errors.UnknownPrediction):
        numeral.feedback("nobody", digit=7)


def test_without_feedback_there_is_nothing_to_answer(connect, server, seven):
    client = connect(server)

    with pytest.raises(errors.FeedbackOff):
        client.feedback(client.predict(seven).request_id, digit=7)


def test_without_keys_nobody_may_see_what_waits(numeral):
    with pytest.raises(errors.AdminOff):
        numeral.reviews()


def test_what_waits_for_a_person_is_seen_and_answered(connect, start_ready, tmp_path, seven, blank):
    key, entry = new_key("boss", Role.ADMIN)
    keys = tmp_path / "keys.jsonl"
    keys.write_text(entry.model_dump_json())
    service = start_ready(
        api_keys_file=keys,
        feedback_database=f"sqlite:///{tmp_path}/feedback.db",
        feedback_images=True,
    )
    client = connect(service.url, api_key=key)
    read = client.predict(blank)
    # Once the next one can be answered it is there.
    client.feedback(client.predict(seven).request_id, digit=7)

    [review] = client.reviews(limit=10)

    assert (review.request_id, review.caller, review.reasons) == (
        read.request_id,
        "boss",
        ("blank",),
    )
    pixels = cv2.imdecode(np.frombuffer(client.picture(review), np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels.shape == (28, 28)
    client.feedback(review.request_id, digit=None, index=review.index)
    assert client.reviews() == ()


def test_a_picture_that_is_not_kept_cannot_be_seen(numeral, seven):
    told = numeral.feedback(numeral.predict(seven).request_id, digit=7)

    with pytest.raises(ValueError, match="NUMERAL_FEEDBACK_IMAGES"):
        numeral.picture(told)
