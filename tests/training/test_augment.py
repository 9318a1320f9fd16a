"""Augmentation changes images as it says, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from tests.generated import drawn_digits
from training.augment import Augmentation, augment, warp
from training.recipes import BEST

STILL = Augmentation()


@pytest.fixture
def images():
    return drawn_digits(60, seed=4).images


def centre(image):
    rows, columns = np.nonzero(image)
    return np.average(rows, weights=image[rows, columns]), np.average(
        columns, weights=image[rows, columns]
    )


def test_without_any_change_images_stay_as_they_are(images):
    np.testing.assert_array_equal(augment(images, STILL, np.random.default_rng(0)), images)


def test_the_same_draws_give_the_same_images_and_leave_the_originals(images):
    before = images.copy()
    first, second = (augment(images, BEST.augmentation, np.random.default_rng(7)) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(images, before)
    assert first.dtype == np.uint8
    assert first.shape == images.shape


def test_a_shift_moves_the_ink_by_no_more_than_it_may(images):
    shifted = warp(images, replace(STILL, shift=2.0), np.random.default_rng(1))
    moves = np.array(
        [np.subtract(centre(a), centre(b)) for a, b in zip(shifted, images, strict=True)]
    )

    assert 1.0 < np.abs(moves).max() <= 2.1


@pytest.mark.parametrize("rate", ["thickness_rate", "erasure_rate", "corruption_rate"])
def test_a_rate_is_the_share_of_images_that_change(images, rate):
    many = np.repeat(images, 10, axis=0)
    changed = augment(many, replace(STILL, **{rate: 0.5}), np.random.default_rng(2))

    # Some changes are too small to show, such as an erasure where there is no ink.
    assert 0.25 < np.mean((changed != many).any(axis=(1, 2))) < 0.6


def test_no_digit_is_lost(images):
    changed = augment(images, BEST.augmentation, np.random.default_rng(3))
    assert (changed.max(axis=(1, 2)) > 80).all()
