"""Reliability and evaluation, on answers with known error rates."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="requires the extra 'training'")

from export.measure import evaluate, reliability
from export.runtime import Outputs
from tests.answers import answers_with_true_temperature, softmax


def test_calibrated_answers_have_a_small_calibration_error():
    logits, labels = answers_with_true_temperature(2.5)
    for temperature, low, high in ((1.0, 0.1, 1.0), (2.5, 0.0, 0.02)):
        probabilities = softmax(logits / temperature)
        assert (
            low
            <= reliability(Outputs(logits, probabilities, np.zeros(len(labels))), labels).ece
            <= high
        )


def test_the_reliability_bins_contain_every_image():
    logits, labels = answers_with_true_temperature(2.5)
    measured = reliability(Outputs(logits, softmax(logits), np.zeros(len(labels))), labels)

    assert sum(bin_.images for bin_ in measured.bins) == len(labels)
    gaps = [bin_.images * abs(bin_.confidence - bin_.accuracy) for bin_ in measured.bins]
    assert measured.ece == pytest.approx(sum(gaps) / len(labels))


def outputs_of(confidences, answers):
    probabilities = np.full((len(answers), 10), 0.0)
    probabilities[np.arange(len(answers)), answers] = confidences
    return Outputs(np.log(probabilities + 1e-9), probabilities, np.zeros(len(answers)))


def test_evaluation_counts_by_digit():
    labels = np.repeat(np.arange(10), 2)
    answers = labels.copy()
    answers[1] = 6

    evaluation = evaluate(outputs_of(np.full(20, 0.9), answers), labels)

    assert evaluation.correct == 19
    assert evaluation.per_digit_accuracy[:2] == (0.5, 1.0)
    assert evaluation.confusion_matrix[0][6] == 1
    # Wilson's interval of 19 in 20.
    assert evaluation.accuracy_interval.low == pytest.approx(0.7639, abs=1e-4)
    assert evaluation.accuracy_interval.high == pytest.approx(0.9911, abs=1e-4)
