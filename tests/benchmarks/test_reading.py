"""Picture files to answers and scores."""

import dataclasses

import cv2
import numpy as np
import pytest

from benchmarks.conditions import CLEAN, png
from benchmarks.reading import Answers, Readers, Source, open_readers, resized
from models.manifest import PACKAGE_DIRECTORY
from service.inference.decide import Criteria
from tests.generated import drawn_digits

DIGITS = drawn_digits(70, seed=3)
PICTURES = CLEAN.pictures(DIGITS.images, 1, seed=1)


@pytest.fixture(scope="module")
def readers() -> Readers:
    return open_readers(Source(PACKAGE_DIRECTORY, ("cnn", "mlp"), 0.001))


def test_answers_are_those_of_the_service(readers):
    outcomes = readers.pipelines["cnn"].read(PICTURES[:20])

    found = readers.read(PICTURES[:20])["cnn"]

    assert found.digits.tolist() == [outcome.answer.digit for outcome in outcomes]
    assert found.confidences == pytest.approx([outcome.answer.confidence for outcome in outcomes])


def test_more_than_a_micro_batch_is_read_in_order(readers):
    found = readers.read(PICTURES)["cnn"]

    alone = [int(readers.read([picture])["cnn"].digits[0]) for picture in PICTURES]
    assert found.digits.tolist() == alone


def test_blank_and_unreadable_pictures_have_no_digit(readers):
    blank = png(np.full((50, 50), 255, np.uint8))

    found = readers.read([blank, b"no picture", PICTURES[0]])["mlp"]

    assert found.digits[:2].tolist() == [-1, -1]
    assert found.confidences[:2].tolist() == [0, 0]
    assert not found.accepted[:2].any()
    assert found.digits[2] >= 0


def test_without_a_threshold_nothing_is_accepted(readers):
    silent = dataclasses.replace(readers.pipelines["cnn"], criteria=Criteria(None, 3.0))

    found = Readers({"cnn": silent}).read(PICTURES)["cnn"]

    assert not found.accepted.any()
    assert found.score(DIGITS.labels).error_rate is None


@pytest.mark.parametrize("rim", [0, 255])
def test_the_naive_resize_gives_light_ink(rim):
    picture = np.full((140, 140), rim, np.uint8)
    cv2.circle(picture, (70, 70), 40, 255 - rim, -1)

    image = resized(png(picture))

    assert image.shape == (28, 28)
    assert image[14, 14] > 250
    assert image[0, 0] < 5


def test_a_score_counts_what_is_right_accepted_and_both_accepted_and_wrong():
    answers = Answers(
        digits=np.array([1, 2, -1, 4]),
        confidences=np.array([0.9, 0.9, 0.0, 0.2]),
        accepted=np.array([True, True, False, False]),
    )

    score = answers.score(np.array([1, 3, 3, 4], np.uint8))

    assert (score.accuracy, score.read_rate, score.error_rate) == (0.5, 0.5, 0.5)
