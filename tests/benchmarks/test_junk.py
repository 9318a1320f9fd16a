"""Pictures that hold no digit."""

import pytest

from benchmarks.fonts import LETTERS, usable_fonts
from benchmarks.junk import KINDS, junk
from service.imaging import decode
from tests.generated import drawn_digits

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


def test_no_letter_is_one_that_may_be_meant_as_a_digit():
    assert not set(LETTERS) & set("OoQDIlJiSsZzBbGgqyTtY")
