"""What the Python client reads, from the service on a real socket."""

import asyncio
from itertools import cycle, islice

import cv2
import numpy as np
import pytest

from numeral_client import AsyncClient, BatchFailure, Client, Item, UnusableImage
from tests.strips import bars


def test_a_digit_is_read_from_bytes_a_path_and_an_open_file(numeral, seven, tmp_path):
    path = tmp_path / "seven.png"
    path.write_bytes(seven)

    with path.open("rb") as file:
        answers = [numeral.predict(image) for image in (seven, bytearray(seven), path, file)]
    answers.append(numeral.predict(str(path)))

    assert [answer.digit for answer in answers] == [7] * 5
    assert len({answer.confidence for answer in answers}) == 1


def test_a_digit_is_read_from_pixels_in_grey_or_colour(numeral, seven):
    colour = cv2.imdecode(np.frombuffer(seven, np.uint8), cv2.IMREAD_COLOR)
    grey = colour[:, :, 0]

    alike = numeral.predict(seven)

    assert numeral.predict(grey).probabilities == alike.probabilities
    assert numeral.predict(colour).probabilities == alike.probabilities
    assert numeral.predict(np.asfortranarray(grey)).digit == 7


def test_an_answer_says_who_read_and_what_to_do(numeral, seven, blank):
    answer = numeral.predict(seven, model="lenet5", max_error=0.01, request_id="cheque-17")

    assert (answer.model, answer.request_id) == ("lenet5", "cheque-17")
    assert answer.accepted
    assert numeral.predict(seven).request_id
    empty = numeral.predict(blank)
    assert (empty.digit, empty.accepted, empty.reasons) == (None, False, ("blank",))


def test_a_wish_that_is_none_is_not_sent(numeral, seven):
    assert numeral.predict(seven, model=None, max_error=None, request_id=None).digit == 7


def test_a_batch_is_answered_in_order_with_its_ids(numeral, digit_files, draw):
    images = [digit_files[7], Item(draw(1), "one"), draw(3), Item(digit_files[2], 2)]

    answers = numeral.predict_batch(images)

    assert [answer.digit for answer in answers] == [7, 1, 3, 2]
    assert [answer.index for answer in answers] == [0, 1, 2, 3]
    assert [answer.id for answer in answers] == ["7.png", "one", None, 2]
    assert len({answer.request_id for answer in answers}) == 1


def test_an_image_that_cannot_be_read_is_a_failure_in_its_place(numeral, seven):
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


def test_a_stream_is_answered_in_order_however_long(numeral, digit_files):
    images = islice(cycle(digit_files), 300)

    answers = list(numeral.predict_stream(images, images_per_request=64, model="mlp"))

    assert [answer.index for answer in answers] == list(range(300))
    assert [answer.id for answer in answers] == [f"{index % 10}.png" for index in range(300)]
    assert {answer.model for answer in answers} == {"mlp"}
    assert [answer.digit for answer in answers[::10]] == [answers[0].digit] * 30


def test_a_stream_holds_no_more_images_than_it_says(reading_server, seven):
    taken = []

    def images():
        for index in range(100):
            taken.append(index)
            yield seven

    with Client(reading_server) as numeral:
        answers = numeral.predict_stream(images(), images_per_request=8)
        for answer in islice(answers, 50):
            assert len(taken) <= (answer.index // 8 + 1) * 8


def test_a_stream_may_come_asynchronously(reading_server, seven):
    async def images():
        for _ in range(5):
            await asyncio.sleep(0)
            yield seven

    async def read():
        async with AsyncClient(reading_server) as numeral:
            return [a.digit async for a in numeral.predict_stream(images(), images_per_request=2)]

    assert asyncio.run(read()) == [7] * 5


def test_a_bad_image_does_not_end_a_stream(numeral, seven):
    answers = list(numeral.predict_stream([seven, b"no image", seven]))

    assert [type(answer) is BatchFailure for answer in answers] == [False, True, False]
    assert answers[1].index == 1


def test_an_empty_stream_has_no_answers(numeral):
    assert list(numeral.predict_stream([])) == []


def test_a_stream_of_no_image_at_a_time_is_refused(numeral, seven):
    with pytest.raises(ValueError, match="at least one"):
        numeral.predict_stream([seven], images_per_request=0)


def test_fields_are_read_one_by_one_in_batches_and_in_streams(numeral):
    answer = numeral.fields(bars("#18014"), length=5)

    assert (answer.text, answer.raw, answer.accepted) == ("18014", "#18014", True)
    assert [digit.digit for digit in answer.digits] == [1, 8, 0, 1, 4]
    strips = [bars("#12"), b"no image", Item(bars("#345"), "last")]
    for answers in (numeral.fields_batch(strips), list(numeral.fields_stream(strips))):
        assert (answers[0].text, answers[2].text, answers[2].id) == ("12", "345", "last")
        assert isinstance(answers[1], BatchFailure)


def test_what_is_known_of_a_field_is_kept_to(numeral):
    assert numeral.fields(bars("#1?"), checksum="luhn").text != "13"
    assert numeral.fields(bars("#18014"), max_length=2).reasons[0] == "no_match"


def test_the_models_are_listed_and_told_of(numeral):
    listed = numeral.models()

    default = next(model for model in listed.models if model.default)
    assert numeral.model(default.name).test.accuracy == default.accuracy
    assert numeral.model("reader").held_out == listed.readers[0].held_out


def test_the_health_of_a_service_that_is_ready(numeral):
    health = numeral.health()

    assert health.ready
    assert "resnet" in health.models
    assert health.readers == ("reader",)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (None, "NoneType is no image"),
        (np.zeros((28, 28)), "float64"),
        (np.zeros(28, np.uint8), r"\[28\]"),
        (np.zeros((28, 28, 4), np.uint8), r"\[28, 28, 4\]"),
        (np.zeros((0, 28), np.uint8), r"\[0, 28\]"),
        (np.zeros((1, 28, 28, 1), np.uint8), r"\[1, 28, 28, 1\]"),
    ],
)
def test_what_is_no_image_is_not_sent(image, says):
    with Client("http://nowhere.invalid") as numeral, pytest.raises(UnusableImage, match=says):
        numeral.predict(image)


@pytest.mark.parametrize("images", ["7.png", b"7"])
def test_a_single_image_is_no_batch(images):
    with Client("http://nowhere.invalid") as numeral, pytest.raises(UnusableImage, match="list"):
        numeral.predict_batch(images)


def test_a_file_that_is_missing_is_named(numeral):
    with pytest.raises(FileNotFoundError, match=r"no\.png"):
        numeral.predict("no.png")
