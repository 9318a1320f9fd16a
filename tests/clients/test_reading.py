"""Readings by the Python client, from a service on a real socket."""

import asyncio
from itertools import cycle, islice

import cv2
import numpy as np
import pytest

from numeral_client import AsyncClient, BatchFailure, Client, Item
from tests.strips import bars


def test_a_digit_from_bytes_a_path_and_an_open_file(numeral, seven, tmp_path):
    path = tmp_path / "seven.png"
    path.write_bytes(seven)

    with path.open("rb") as file:
        images = (seven, bytearray(seven), path, str(path), file)
        answers = [numeral.predict(image) for image in images]

    assert [answer.digit for answer in answers] == [7] * 5
    assert len({answer.confidence for answer in answers}) == 1


def test_a_digit_from_pixels_in_grey_or_colour(numeral, seven):
    colour = cv2.imdecode(np.frombuffer(seven, np.uint8), cv2.IMREAD_COLOR)
    grey = colour[:, :, 0]

    expected = numeral.predict(seven)

    assert numeral.predict(grey).probabilities == expected.probabilities
    assert numeral.predict(colour).probabilities == expected.probabilities
    assert numeral.predict(np.asfortranarray(grey)).digit == 7


def test_an_answer_names_its_model_request_and_decision(numeral, seven, blank):
    answer = numeral.predict(seven, model="lenet5", max_error=0.01, request_id="cheque-17")

    assert (answer.model, answer.request_id) == ("lenet5", "cheque-17")
    assert answer.accepted
    assert numeral.predict(seven, model=None, max_error=None, request_id=None).request_id
    empty = numeral.predict(blank)
    assert (empty.digit, empty.accepted, empty.reasons) == (None, False, ("blank",))


def test_a_batch_is_answered_in_order_with_ids(numeral, digit_files, draw):
    images = [digit_files[7], Item(draw(1), "one"), draw(3), Item(digit_files[2], 2)]

    answers = numeral.predict_batch(images)

    assert [answer.digit for answer in answers] == [7, 1, 3, 2]
    assert [answer.index for answer in answers] == [0, 1, 2, 3]
    assert [answer.id for answer in answers] == ["7.png", "one", None, 2]
    assert len({answer.request_id for answer in answers}) == 1


def test_an_unreadable_image_of_a_batch_is_a_failure(numeral, seven):
    first, second, third = numeral.predict_batch([seven, Item(b"no image", "x"), seven])

    assert first.digit == third.digit == 7
    assert isinstance(second, BatchFailure)
    assert (second.index, second.id, second.error.slug) == (1, "x", "unsupported-format")
    assert second.request_id == first.request_id


def test_an_array_of_pictures_is_a_batch(numeral, draw):
    pictures = np.stack(
        [cv2.imdecode(np.frombuffer(draw(d), np.uint8), cv2.IMREAD_GRAYSCALE) for d in (7, 1)]
    )

    assert [answer.digit for answer in numeral.predict_batch(pictures)] == [7, 1]
    assert [answer.digit for answer in numeral.predict_batch(list(pictures))] == [7, 1]


def test_a_stream_is_answered_in_order(numeral, digit_files):
    images = islice(cycle(digit_files), 300)

    answers = list(numeral.predict_stream(images, images_per_request=64, model="mlp"))

    assert [answer.index for answer in answers] == list(range(300))
    assert [answer.id for answer in answers] == [f"{index % 10}.png" for index in range(300)]
    assert {answer.model for answer in answers} == {"mlp"}
    assert [answer.digit for answer in answers[::10]] == [answers[0].digit] * 30


def test_a_stream_holds_a_bounded_number_of_images(reading_server, seven):
    taken = []

    def images():
        for index in range(100):
            taken.append(index)
            yield seven

    with Client(reading_server) as numeral:
        answers = numeral.predict_stream(images(), images_per_request=8)
        for answer in islice(answers, 50):
            assert len(taken) <= (answer.index // 8 + 1) * 8


def test_a_stream_takes_an_asynchronous_iterable(reading_server, seven):
    async def images():
        for _ in range(5):
            await asyncio.sleep(0)
            yield seven

    async def read():
        async with AsyncClient(reading_server) as numeral:
            return [a.digit async for a in numeral.predict_stream(images(), images_per_request=2)]

    assert asyncio.run(read()) == [7] * 5


def test_an_unreadable_image_does_not_end_a_stream(numeral, seven):
    answers = list(numeral.predict_stream([seven, b"no image", seven]))

    assert [type(answer) is BatchFailure for answer in answers] == [False, True, False]
    assert answers[1].index == 1


def test_an_empty_stream_has_no_answers(numeral):
    assert list(numeral.predict_stream([])) == []


def test_a_stream_needs_at_least_one_image_per_request(numeral, seven):
    with pytest.raises(ValueError, match="at least one"):
        numeral.predict_stream([seven], images_per_request=0)


def test_fields_singly_in_batches_and_in_streams(numeral):
    answer = numeral.fields(bars("#18014"), length=5)

    assert (answer.text, answer.raw, answer.accepted) == ("18014", "#18014", True)
    assert [digit.digit for digit in answer.digits] == [1, 8, 0, 1, 4]
    strips = [bars("#12"), b"no image", Item(bars("#345"), "last")]
    for answers in (numeral.fields_batch(strips), list(numeral.fields_stream(strips))):
        assert (answers[0].text, answers[2].text, answers[2].id) == ("12", "345", "last")
        assert isinstance(answers[1], BatchFailure)


def test_field_options_constrain_the_answer(numeral):
    assert numeral.fields(bars("#1?"), checksum="luhn").text != "13"
    assert numeral.fields(bars("#18014"), max_length=2).reasons[0] == "no_match"


def test_a_format_has_an_amount_or_a_date(numeral):
    amount = numeral.fields(bars("#18-50/100"), format="amount", expected="18.50")
    [date] = numeral.fields_batch([bars("#3/4/26")], format="date", order="dmy")

    assert (amount.text, amount.amount.value, amount.match) == (None, "18.50", True)
    assert date.date == "2026-04-03"


def test_models_cards_and_health(numeral):
    listed = numeral.models()
    default = next(model for model in listed.models if model.default)
    health = numeral.health()

    assert numeral.model(default.name).test.accuracy == default.accuracy
    assert numeral.model("reader").held_out == listed.readers[0].held_out
    assert health.ready
    assert default.name in health.models
    assert health.readers == ("reader",)
