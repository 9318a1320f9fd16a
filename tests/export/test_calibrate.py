"""Temperature and thresholds, on answers with known error rates."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="requires the extra 'training'")

from export.calibrate import choose_threshold, fit_temperature
from export.measure import evaluate, reliability, select
from export.runtime import Outputs


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def answers_with_true_temperature(temperature, count=20_000):
    random = np.random.default_rng(5)
    logits = random.normal(0, 3, (count, 10)).astype(np.float32)
    drawn = random.random((count, 1)) > softmax(logits / temperature).cumsum(axis=1)
    return logits, np.minimum(drawn.sum(axis=1), 9).astype(np.uint8)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_of_the_labels_is_found(temperature):
    logits, labels = answers_with_true_temperature(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_calibrated_answers_have_a_small_calibration_error():
    logits, labels = answers_with_true_temperature(2.5)
    for temperature, low, high in ((1.0, 0.1, 1.0), (2.5, 0.0, 0.02)):
        probabilities = softmax(logits / temperature)
        assert low <= reliability(Outputs(logits, probabilities), labels).ece <= high


def test_the_reliability_bins_contain_every_image():
    logits, labels = answers_with_true_temperature(2.5)
    measured = reliability(Outputs(logits, softmax(logits)), labels)

    assert sum(bin_.images for bin_ in measured.bins) == len(labels)
    gaps = [bin_.images * abs(bin_.confidence - bin_.accuracy) for bin_ in measured.bins]
    assert measured.ece == pytest.approx(sum(gaps) / len(labels))


def confident_answers(count, seed):
    """Calibrated answers."""
    random = np.random.default_rng(seed)
    confidences = 1 - 10 ** random.uniform(-6, -0.5, count)
    return confidences, random.random(count) < confidences


def test_a_threshold_keeps_its_error_rate_in_most_draws():
    everything = confident_answers(400_000, seed=0)
    broken = 0
    for seed in range(1, 101):
        threshold = choose_threshold(*confident_answers(5_000, seed), max_error=0.01)
        accepted = everything[0] >= threshold
        broken += np.mean(~everything[1][accepted]) > 0.01
    assert broken <= 10  # at most 5 are expected


def test_a_stricter_error_rate_takes_a_stricter_threshold():
    answers = confident_answers(20_000, seed=9)
    thresholds = [choose_threshold(*answers, max_error=rate) for rate in (0.01, 0.005, 0.001)]
    assert thresholds == sorted(thresholds)


def test_too_few_images_show_nothing():
    confidences, correct = np.full(100, 0.9999999), np.full(100, True)
    assert choose_threshold(confidences, correct, max_error=0.001) is None


def outputs_of(confidences, answers):
    probabilities = np.full((len(answers), 10), 0.0)
    probabilities[np.arange(len(answers)), answers] = confidences
    return Outputs(np.log(probabilities + 1e-9), probabilities)


def test_one_confident_error_does_not_end_the_search():
    confidences = 1 - np.logspace(-7, -1, 20_000)
    correct = np.full(20_000, True)
    correct[0] = False

    threshold = choose_threshold(confidences, correct, max_error=0.001)

    assert threshold is not None
    assert threshold < confidences[10_000]


def test_few_images_allow_one_start_for_a_strict_error_rate():
    confidences, correct = 1 - np.logspace(-7, -1, 7_000), np.full(7_000, True)

    assert choose_threshold(confidences, correct, max_error=0.0005) is not None


def test_select_counts_what_a_threshold_accepts():
    confidences, correct = np.array([0.9, 0.8, 0.6, 0.95]), np.array([True, True, True, False])

    selection = select(confidences, correct, 0.8)

    assert (selection.accepted, selection.errors) == (3, 1)
    assert selection.read_rate == 0.75
    assert selection.error_rate == pytest.approx(1 / 3)
    assert selection.error_rate_bound == pytest.approx(0.8646, abs=1e-4)  # 1 of 3, exact, 95%


def test_no_threshold_accepts_nothing():
    selection = select(np.array([0.9]), np.array([True]), None)
    assert (selection.accepted, selection.read_rate, selection.error_rate_bound) == (0, 0, 1)


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
