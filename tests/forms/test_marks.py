"""Marks on simulated photographs: marked, empty, or for a person to look at."""

import numpy as np
import pytest

from service.forms.marks import ink_of
from tests.forms.marks import EMPTY, MARKED, inks

SEVERITIES = (0.3, 1.2)


@pytest.mark.parametrize("kind", MARKED)
def test_every_mark_is_seen(kind):
    for severity in SEVERITIES:
        assert {each.is_mark for each in inks(kind, severity=severity, seed=5)} == {True}


@pytest.mark.parametrize("kind", EMPTY)
def test_no_empty_box_a_dot_or_an_erased_mark_is_taken_for_a_mark(kind):
    for severity in SEVERITIES:
        seen = [each.is_mark for each in inks(kind, severity=severity, seed=6)]
        assert seen
        assert not any(seen)
        if kind != "dot":
            assert seen.count(None) <= 0.1 * len(seen)


def test_the_edge_of_a_shadow_is_for_a_person():
    crop = np.full((160, 160), 230, np.uint8)
    crop[:, 80:] = 140

    assert ink_of(crop, 40).is_mark is None


@pytest.mark.parametrize(("tone", "is_mark"), [(230, False), (150, None), (40, True)])
def test_a_box_filled_with_grey_is_for_a_person(tone, is_mark):
    crop = np.full((160, 160), 230, np.uint8)
    crop[35:-35, 35:-35] = tone

    assert ink_of(crop, 40).is_mark is is_mark


@pytest.mark.parametrize("shape", [(80, 160), (160, 80), (1, 4096)])
def test_a_box_as_thin_as_a_line_has_a_share(shape):
    assert ink_of(np.full(shape, 230, np.uint8), 40).share == 0
