"""Exact statements about error rates, beside SciPy's, and thresholds on known answers."""

import numpy as np
import pytest

from models.error_rates import (
    binomial_cdf,
    choose_threshold,
    exact_interval,
    fit_temperature,
    select,
    trials_needed,
    upper_bound,
)
from tests.answers import answers_with_true_temperature


@pytest.mark.parametrize("rate", [0.0, 0.0005, 0.01, 0.5, 1.0])
def test_the_distribution_is_scipys(rate):
    binom = pytest.importorskip("scipy.stats", reason="requires the extra 'training'").binom
    errors, trials = np.array([0, 3, 12, 40, 5]), np.array([10, 2_995, 19_439, 60_000, 5])

    assert binomial_cdf(errors, trials, rate) == pytest.approx(binom.cdf(errors, trials, rate))


@pytest.mark.parametrize(("errors", "trials"), [(0, 1), (0, 2_995), (3, 103), (40, 60_000), (5, 5)])
def test_the_intervals_are_scipys(errors, trials):
    stats = pytest.importorskip("scipy.stats", reason="requires the extra 'training'")
    found = stats.binomtest(errors, trials)

    both = found.proportion_ci(0.95, method="exact")
    assert exact_interval(errors, trials) == pytest.approx((both.low, both.high), abs=1e-9)
    one_sided = found.proportion_ci(0.9, method="exact").high
    assert upper_bound(errors, trials) == pytest.approx(one_sided, abs=1e-9)


def test_nothing_is_known_without_trials():
    assert exact_interval(0, 0) == (0.0, 1.0)
    assert upper_bound(0, 0) == 1.0


@pytest.mark.parametrize(("errors", "needed"), [(0, 2_995), (3, 7_752), (4, 9_151), (12, 19_439)])
def test_how_many_pictures_show_one_in_a_thousand(errors, needed):
    assert trials_needed(errors, 0.001) == needed


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_of_the_labels_is_found(temperature):
    logits, labels = answers_with_true_temperature(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


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
