"""Pictures that hold no digit."""

import numpy as np
import pytest

from benchmarks.fonts import letter, usable_fonts
from benchmarks.junk import KINDS, junk
from benchmarks.results import Group
from service.imaging import decode
from tests.generated import drawn_digits
from training import junk as training_junk

DIGITS = drawn_digits(20, seed=3)


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_can_be_decoded(kind):
    for picture in junk(kind, 5, DIGITS, seed=1):
        assert min(decode(picture, max_pixels=1_000_000).shape) >= 28


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_pictures_and_another_one_others(kind):
    first, again, other = (junk(kind, 5, DIGITS, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert not set(first) & set(other)


def test_letters_come_in_many_fonts():
    assert len(usable_fonts()) >= 20


def test_a_letter_is_one_of_those_asked_for():
    narrow, wide = (letter(140, np.random.default_rng(1), letters=text) for text in "lW")

    assert narrow.any(axis=0).sum() < 0.7 * wide.any(axis=0).sum()


def test_letters_that_look_like_digits_are_in_no_total():
    assert KINDS["digit-like letters"].group is Group.APART


def test_what_training_draws_is_marked():
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
