"""Pictures without a digit, and their targets."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")

from tests.generated import drawn_digits
from training.augment import Augmentation
from training.batches import AugmentedDigits, by_output
from training.junk import chimeras, junk


@pytest.fixture(scope="module")
def digits():
    return drawn_digits(400, seed=4)


def test_junk_depends_on_its_seed(digits):
    first, again, other = (
        junk(200, digits.images, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )

    assert first.shape == (200, 28, 28)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_junk_is_rarely_blank(digits):
    pictures = junk(1_000, digits.images, np.random.default_rng(1))

    assert np.mean(pictures.reshape(1_000, -1).max(axis=1) > 100) > 0.95


def test_junk_replaces_its_share_of_the_digits_with_uniform_targets(digits):
    before = digits.images.copy()
    source = AugmentedDigits(digits, Augmentation(junk_rate=0.25))

    _, targets = source.draw(np.arange(400), 0, np.random.default_rng(1))

    replaced = np.ptp(targets, axis=1) == 0
    assert 60 < replaced.sum() < 140
    np.testing.assert_allclose(targets[replaced], 0.1)
    np.testing.assert_array_equal(targets[~replaced].argmax(axis=1), digits.labels[~replaced])
    np.testing.assert_array_equal(digits.images, before)


def test_chimeras_are_no_digits_of_the_set(digits):
    pictures = chimeras(300, digits, np.random.default_rng(1))

    assert pictures.shape == (300, 28, 28)
    known = {image.tobytes() for image in digits.images}
    assert not any(picture.tobytes() in known for picture in pictures)


def test_only_the_output_outlier_learns_from_what_is_no_digit(digits):
    settings = Augmentation(junk_rate=0.1, chimera_rate=0.1, negative_rate=0.1, picture_rate=1.0)
    source = AugmentedDigits(
        digits,
        settings,
        negatives=np.full((3, 28, 28), 77, np.uint8),
        pictures=np.full((1, 28, 28), 99, np.uint8),
        picture_of=np.where(np.arange(400) == 5, 0, -1),
    )

    images, targets = source.draw(np.arange(400), 0, np.random.default_rng(3))
    wanted, weights = by_output(targets)

    negative = wanted["outlier"][:, 0] == 1
    assert 80 < negative.sum() < 160
    assert 20 < (images == 77).all(axis=(1, 2)).sum() < 60
    assert negative[(images == 77).all(axis=(1, 2))].all()
    np.testing.assert_array_equal(weights["probabilities"], ~negative)
    assert (images[5] == 99).all() != negative[5]
