"""The pictures that the robustness benchmark generates."""

import cv2
import numpy as np
import pytest

from benchmarks.pen import drawn_digits as penned_digits
from benchmarks.robustness import distortions
from benchmarks.robustness.conditions import CLEAN, CONDITIONS, SEVERITIES, condition
from benchmarks.robustness.junk import KINDS, junk
from benchmarks.robustness.results import Group
from benchmarks.robustness.sources import cheque_digits, letter, usable_fonts
from service.imaging import decode, normalise
from tests.generated import drawn_digits
from training import junk as training_junk

DIGITS = drawn_digits(20, seed=3)
IMAGES = DIGITS.images[:10]


@pytest.mark.parametrize("name", [condition.name for condition in CONDITIONS])
def test_a_condition_gives_decodable_pictures_that_depend_on_seed_and_level_alone(name):
    found = condition(name)
    mild, severe = (found.pictures(IMAGES[:2], severity, seed=1) for severity in (1, SEVERITIES))

    assert all(min(decode(each, max_pixels=10**6).shape) >= 4 for each in (*mild, *severe))
    assert found.pictures(IMAGES[:2], 1, seed=1) == mild
    assert len({found.pictures(IMAGES[:2], level, seed=1)[0] for level in (1, 2, 3)}) == SEVERITIES


@pytest.mark.parametrize("kind", KINDS)
def test_junk_is_decodable_and_depends_on_the_seed_alone(kind):
    first, again, other = (junk(kind, 3, DIGITS, seed=seed) for seed in (1, 1, 2))

    assert all(min(decode(picture, max_pixels=10**6).shape) >= 28 for picture in first)
    assert first == again
    assert not set(first) & set(other)


def test_the_severest_fog_leaves_as_much_contrast_as_that_of_mnist_c():
    level = condition("fog").levels[-1]
    black, white = (
        distortions.add_fog(np.full((28, 28), ink, np.uint8), level, np.random.default_rng(1))
        for ink in (0, 255)
    )

    np.testing.assert_allclose(white.astype(int) - black, 255 / (1 + 3.0), atol=1)


def test_clean_pictures_are_the_images():
    for image, picture in zip(IMAGES, CLEAN.pictures(IMAGES, 1, seed=1), strict=True):
        np.testing.assert_array_equal(decode(picture, max_pixels=10_000), image)


def test_the_digit_is_recognisable_on_good_paper():
    pictures = condition("pen colours").pictures(IMAGES, 1, seed=1)

    for image, picture in zip(IMAGES, pictures, strict=True):
        seen = normalise(decode(picture, max_pixels=10**6)).image
        expected = normalise(image).image[3:25, 3:25]
        assert cv2.matchTemplate(seen, expected, cv2.TM_CCOEFF_NORMED).max() > 0.9


def test_a_thin_pen_leaves_less_ink_than_a_thick_one():
    pens = (("thin strokes", 3), ("thin strokes", 1), ("thick strokes", 1), ("thick strokes", 3))
    ink = [
        np.mean([(decode(each, max_pixels=10**6) < 128).mean() for each in pictures])
        for pictures in (condition(name).pictures(IMAGES, level, seed=1) for name, level in pens)
    ]

    assert ink == sorted(ink)


def test_letters_come_in_many_fonts_and_are_those_asked_for():
    narrow, wide = (letter(140, np.random.default_rng(1), letters=text) for text in "lW")

    assert len(usable_fonts()) >= 20
    assert narrow.any(axis=0).sum() < 0.7 * wide.any(axis=0).sum()


def test_kinds_of_junk_that_training_draws_are_marked():
    marked = {
        "_scribble": ("scribbles",),
        "_glyph": ("printed letters", "bent letters"),
        "_word": ("printed letters", "bent letters"),
        "_several_digits": ("several digits",),
        "_blobs": ("noise",),
        "_noise": ("noise",),
        "_stripes": ("wood grain",),
        "_shapes": (),
    }

    assert {draw.__name__ for draw in training_junk._KINDS} == set(marked)
    assert {kind for kinds in marked.values() for kind in kinds} == {
        name for name, kind in KINDS.items() if kind.group is Group.TRAINED
    }
    assert KINDS["digit-like letters"].group is Group.APART


def test_cheque_digits_are_cut_out_by_their_boxes(tmp_path):
    strip = np.zeros((40, 60, 3), np.uint8)
    strip[10:30, 5:15] = 255
    (tmp_path / "orand-car-a/images").mkdir(parents=True)
    lines = ["file,digits,boxes_xywh", *['a.png,17,"5,10,10,20;30,0,20,40"'] * 3]
    (tmp_path / "orand-car-a/labels.csv").write_text("\n".join(lines))
    cv2.imwrite(str(tmp_path / "orand-car-a/images/a.png"), strip)

    found = cheque_digits(tmp_path)

    assert found.labels.tolist() == [1, 7] * 3
    first, second, *_ = (decode(picture, max_pixels=10_000) for picture in found.pictures)
    assert (first.shape, first.min(), second.shape) == ((20, 10), 255, (40, 20))


def test_penned_digits_are_inked_and_vary():
    digits = penned_digits(20, seed=1)

    assert digits.images.shape == (20, 28, 28)
    assert (digits.images.reshape(20, -1).max(axis=1) > 200).all()
    assert not np.array_equal(digits.images[0], digits.images[10])
