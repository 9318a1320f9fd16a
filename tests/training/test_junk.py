"""Pictures without a digit, and their targets."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the extra 'training' (no TensorFlow here)")

from tests.generated import drawn_digits
from training.augment import Augmentation
from training.batches import AugmentedDigits
from training.junk import junk


@pytest.fixture(scope="module")
def digits():
    return drawn_digits(400, seed=4)


def test_junk_is_drawn_anew_from_its_seed(digits):
    first, again, other = (
        junk(200, digits.images, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )

    assert first.shape == (200, 28, 28)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_hardly_any_junk_is_blank(digits):
    pictures = junk(1_000, digits.images, np.random.default_rng(1))

    assert np.mean(pictures.reshape(1_000, -1).max(axis=1) > 100) > 0.95


def test_junk_replaces_its_share_of_the_digits_with_uniform_targets(digits):
    source = AugmentedDigits(digits, Augmentation(junk_rate=0.25))

    _, targets = source.draw(np.arange(400), 0, np.random.default_rng(1))

    replaced = np.ptp(targets, axis=1) == 0
    assert 60 < replaced.sum() < 140
    np.testing.assert_allclose(targets[replaced], 0.1)
    np.testing.assert_array_equal(targets[~replaced].argmax(axis=1), digits.labels[~replaced])


def test_the_digits_themselves_are_not_changed(digits):
    before = digits.images.copy()

    AugmentedDigits(digits, Augmentation(junk_rate=1.0)).draw(
        np.arange(400), 0, np.random.default_rng(1)
    )

    np.testing.assert_array_equal(digits.images, before)
