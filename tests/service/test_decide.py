"""Probabilities to decisions."""

import numpy as np
import pytest

from service.inference.decide import Decision, Reason, decide, decide_blank


@pytest.fixture
def probabilities():
    values = np.full(10, 0.01, np.float32)
    values[7] = 0.91
    return values


def test_the_likeliest_digit_is_read(probabilities):
    answer = decide(probabilities, 0.5)

    assert answer.digit == 7
    assert answer.confidence == pytest.approx(0.91)


@pytest.mark.parametrize("threshold", [0.0, 0.5, float(np.float32(0.91))])
def test_a_confidence_that_reaches_the_threshold_is_accepted(probabilities, threshold):
    answer = decide(probabilities, threshold)

    assert answer.decision is Decision.ACCEPT
    assert answer.reasons == ()


@pytest.mark.parametrize("threshold", [0.92, 1.0, None])
def test_a_confidence_below_the_threshold_is_for_review(probabilities, threshold):
    answer = decide(probabilities, threshold)

    assert answer.decision is Decision.REVIEW
    assert answer.reasons == (Reason.LOW_CONFIDENCE,)


def test_without_a_threshold_even_certainty_is_for_review():
    certain = np.eye(10, dtype=np.float32)[3]

    assert decide(certain, None).decision is Decision.REVIEW


def test_a_blank_image_has_no_digit_and_is_for_review():
    answer = decide_blank()

    assert answer.digit is None
    assert answer.confidence == 0
    assert not answer.probabilities.any()
    assert answer.decision is Decision.REVIEW
    assert answer.reasons == (Reason.BLANK,)
