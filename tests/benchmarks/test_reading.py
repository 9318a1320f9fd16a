"""Picture files to answers and scores."""

import dataclasses

import cv2
import numpy as np
import pytest
from scipy.special import softmax

from benchmarks.conditions import CLEAN, png
from benchmarks.reading import Answers, Readers, Source, open_readers, resized
from models.manifest import PACKAGE_DIRECTORY
from service.inference.decisions import Criteria, Reason
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
    score = answers_of_four().score(np.array([1, 3, 3, 4], np.uint8))

    assert (score.accuracy, score.read_rate, score.error_rate) == (0.5, 0.5, 0.5)


def test_decisions_count_every_reason():
    decisions = answers_of_four().decisions()

    assert decisions.accepted == 2
    assert decisions.reasons == {
        "low_confidence": 1,
        "blank": 1,
        "not_a_digit": 1,
        "several_digits": 0,
    }


def test_every_certainty_is_least_without_a_digit_and_falls_with_doubt():
    for certainty in answers_of_four().certainties().values():
        sure, _, none, doubtful = certainty

        assert none < doubtful < sure


def test_certainties_belong_to_their_pictures(readers):
    blank = png(np.full((50, 50), 255, np.uint8))

    alone = readers.read(PICTURES[:2])["cnn"]
    among = readers.read([blank, PICTURES[0], b"no picture", PICTURES[1]])["cnn"]

    for name, certainty in among.certainties().items():
        np.testing.assert_allclose(certainty[[1, 3]], alone.certainties()[name], rtol=1e-3)
    assert among.reasons[0] == (Reason.BLANK,)
    assert among.reasons[2] == ()


def answers_of_four() -> Answers:
    """A sure right answer, one that is like it, a blank picture, a doubtful one."""
    logits = np.full((4, 10), -np.inf, np.float32)
    logits[[0, 1, 3]] = np.eye(10)[[1, 2, 4]] * np.array([[9], [9], [1]])
    probabilities = np.zeros((4, 10), np.float32)
    probabilities[[0, 1, 3]] = softmax(logits[[0, 1, 3]], axis=1)
    return Answers(
        digits=np.array([1, 2, -1, 4]),
        confidences=probabilities.max(axis=1).astype(np.float64),
        logits=logits,
        probabilities=probabilities,
        accepted=np.array([True, True, False, False]),
        reasons=((), (), (Reason.BLANK,), (Reason.NOT_A_DIGIT, Reason.LOW_CONFIDENCE)),
    )
