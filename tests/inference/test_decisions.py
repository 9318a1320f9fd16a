"""Probabilities to decisions."""

import numpy as np
import pytest

from service.inference.decisions import Criteria, Decision, Reason, decide, decide_blank

LENIENT = 2.5  # more than the entropy of any ten probabilities


@pytest.fixture
def probabilities():
    values = np.full(10, 0.01, np.float32)
    values[7] = 0.91
    return values


def test_the_likeliest_digit_is_read(probabilities):
    answer = _decide(probabilities, Criteria(0.5, LENIENT))

    assert answer.digit == 7
    assert answer.confidence == pytest.approx(0.91)


@pytest.mark.parametrize("threshold", [0.0, 0.5, float(np.float32(0.91))])
def test_a_confidence_that_reaches_the_threshold_is_accepted(probabilities, threshold):
    answer = _decide(probabilities, Criteria(threshold, LENIENT))

    assert answer.decision is Decision.ACCEPT
    assert answer.reasons == ()


@pytest.mark.parametrize("threshold", [0.92, 1.0, None])
def test_a_confidence_below_the_threshold_is_for_review(probabilities, threshold):
    answer = _decide(probabilities, Criteria(threshold, LENIENT))

    assert answer.decision is Decision.REVIEW
    assert answer.reasons == (Reason.LOW_CONFIDENCE,)


@pytest.mark.parametrize(
    ("digits", "reasons"),
    [
        ((3, 5), (Reason.LOW_CONFIDENCE,)),
        (range(10), (Reason.NOT_A_DIGIT, Reason.LOW_CONFIDENCE)),
    ],
)
def test_doubt_between_two_digits_is_another_than_between_all(digits, reasons):
    probabilities = np.zeros(10, np.float32)
    probabilities[list(digits)] = 1 / len(digits)

    answer = _decide(probabilities, Criteria(0.9, outlier_entropy=1.5))

    assert answer.decision is Decision.REVIEW
    assert answer.reasons == reasons


@pytest.mark.parametrize("reason", [Reason.SEVERAL_DIGITS, Reason.CUT_OFF])
def test_what_the_picture_shows_is_for_review_however_sure_the_model_is(probabilities, reason):
    answer = _decide(probabilities, Criteria(0.5, LENIENT), findings=(reason,))

    assert answer.decision is Decision.REVIEW
    assert answer.reasons == (reason,)


def test_an_outlier_is_for_review_however_lenient_the_threshold(probabilities):
    answer = _decide(probabilities, Criteria(0.5, outlier_entropy=0.1))

    assert answer.decision is Decision.REVIEW
    assert answer.reasons == (Reason.NOT_A_DIGIT,)


@pytest.mark.parametrize(
    ("outlier", "threshold", "reasons"),
    [
        (0.0, 0.9, ()),
        (0.01, 0.9, ()),
        (0.02, 0.9, (Reason.NOT_A_DIGIT,)),  # 0.91 * 0.98 is below the threshold
        (0.02, 0.95, (Reason.LOW_CONFIDENCE,)),
        (0.6, 0.95, (Reason.NOT_A_DIGIT, Reason.LOW_CONFIDENCE)),
        (0.6, 0.3, (Reason.NOT_A_DIGIT,)),
    ],
)
def test_the_confidence_counts_only_as_far_as_there_is_a_digit(
    probabilities, outlier, threshold, reasons
):
    answer = _decide(probabilities, Criteria(threshold, LENIENT), outlier=outlier)

    assert answer.reasons == reasons
    assert answer.decision is (Decision.REVIEW if reasons else Decision.ACCEPT)
    assert answer.confidence == pytest.approx(0.91)


def test_without_a_threshold_even_certainty_is_for_review():
    certain = np.eye(10, dtype=np.float32)[3]

    assert _decide(certain, Criteria(None, LENIENT)).decision is Decision.REVIEW


def test_a_blank_image_has_no_digit_and_is_for_review():
    answer = decide_blank()

    assert answer.digit is None
    assert answer.confidence == 0
    assert not answer.probabilities.any()
    assert answer.decision is Decision.REVIEW
    assert answer.reasons == (Reason.BLANK,)


def test_every_image_is_decided_by_its_own_criteria(probabilities):
    strict, lenient = Criteria(0.99, LENIENT), Criteria(0.5, LENIENT)

    answers = decide(
        np.stack([probabilities] * 3),
        [lenient, strict, lenient],
        [(), (), (Reason.SEVERAL_DIGITS,)],
    )

    assert [answer.reasons for answer in answers] == [
        (),
        (Reason.LOW_CONFIDENCE,),
        (Reason.SEVERAL_DIGITS,),
    ]


def test_a_probability_that_rounding_lifted_above_one_is_one():
    [answer] = decide(np.eye(10, dtype=np.float32)[:1] * 1.0000001, [Criteria(0.5, LENIENT)], [()])

    assert answer.confidence == answer.probabilities[0] == 1.0


def _decide(probabilities, criteria, *, findings=(), outlier=None):
    scores = None if outlier is None else np.array([outlier], np.float32)
    [answer] = decide(probabilities[np.newaxis], [criteria], [findings], scores)
    return answer
