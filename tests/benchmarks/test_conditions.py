"""Pictures under generated conditions."""

import cv2
import numpy as np
import pytest

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
def test_severities_differ(name):
    pictures = [condition(name).pictures(IMAGES[:3], severity, seed=1) for severity in (1, 2, 3)]

    assert len({picture for some in pictures for picture in some}) == 9


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
