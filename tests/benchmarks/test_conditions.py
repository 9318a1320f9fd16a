"""Pictures under generated conditions."""

import cv2
import numpy as np
import pytest

from benchmarks import distortions
from benchmarks.conditions import CLEAN, CONDITIONS, SEVERITIES, condition
from service.imaging import decode, normalise
from tests.generated import drawn_digits

IMAGES = drawn_digits(10, seed=3).images
EVERY = pytest.mark.parametrize("name", [condition.name for condition in CONDITIONS])


@EVERY
@pytest.mark.parametrize("severity", range(1, SEVERITIES + 1))
def test_every_picture_can_be_decoded(name, severity):
    for picture in condition(name).pictures(IMAGES[:2], severity, seed=1):
        assert min(decode(picture, max_pixels=1_000_000).shape) >= 28


@EVERY
def test_a_seed_gives_the_same_pictures(name):
    first, again = (condition(name).pictures(IMAGES[:3], 2, seed=1) for _ in range(2))

    assert first == again


@EVERY
def test_a_picture_does_not_depend_on_those_before_it(name):
    longer, shorter = (condition(name).pictures(IMAGES[:count], 2, seed=1) for count in (3, 1))

    assert longer[:1] == shorter


@EVERY
def test_the_level_alone_changes_the_picture(name):
    found = condition(name)

    pictures = {found.render(IMAGES[0], level, np.random.default_rng(1)) for level in found.levels}

    assert len(pictures) == SEVERITIES


def test_the_severest_fog_leaves_as_much_contrast_as_that_of_mnist_c():
    level = condition("fog").levels[-1]
    black, white = (
        distortions.fogged(np.full((28, 28), ink, np.uint8), level, np.random.default_rng(1))
        for ink in (0, 255)
    )

    np.testing.assert_allclose(white.astype(int) - black, 255 / (1 + 3.0), atol=1)


def test_severer_fog_has_finer_clouds():
    no_ink = np.zeros((28, 28), np.uint8)
    mild, severe = (
        [
            distortions.fogged(no_ink, level, np.random.default_rng(seed)).astype(int)
            for seed in range(20)
        ]
        for level in (1, 5)
    )

    assert np.abs(np.diff(severe)).mean() > 1.5 * np.abs(np.diff(mild)).mean()


def test_clean_pictures_are_the_images():
    for image, picture in zip(IMAGES, CLEAN.pictures(IMAGES, 1, seed=1), strict=True):
        np.testing.assert_array_equal(decode(picture, max_pixels=10_000), image)


def test_on_good_paper_the_digit_is_what_it_was():
    pictures = condition("pen colours").pictures(IMAGES, 1, seed=1)

    for image, picture in zip(IMAGES, pictures, strict=True):
        seen = normalise(decode(picture, max_pixels=1_000_000)).image
        expected = normalise(image).image[3:25, 3:25]
        assert cv2.matchTemplate(seen, expected, cv2.TM_CCOEFF_NORMED).max() > 0.9


def test_a_thin_pen_leaves_less_ink_than_a_thick_one():
    ink = [
        np.mean(
            [
                (decode(picture, max_pixels=1_000_000) < 128).mean()
                for picture in condition(name).pictures(IMAGES, severity, seed=1)
            ]
        )
        for name, severity in (
            ("thin strokes", 3),
            ("thin strokes", 1),
            ("thick strokes", 1),
            ("thick strokes", 3),
        )
    ]

    assert ink == sorted(ink)
