"""Pictures as people send them: crops, cells, scans, pages without a digit."""

import cv2
import numpy as np
import pytest

from service.imaging import normalise
from tests.imaging.test_clutter import (
    DIGITS,
    INK,
    PAPER,
    SIDE,
    alike,
    likeness,
    page_with,
    seen,
    tight,
)
from tests.imaging.test_clutter import shadow as shadowed

BLANK_PAGES = {}


def blank_page(draw):
    """Register a page [SIDE, SIDE] without a digit."""
    BLANK_PAGES[draw.__name__] = draw
    return draw


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("width", [20, 80])
@pytest.mark.parametrize("band", [0, 60])
def test_a_wide_dark_band_beside_the_page_is_cut_off(digit, width, band):
    page = np.pad(page_with(digit), ((0, 0), (width, 0)), constant_values=band)

    assert likeness(page, digit) > 0.95


@pytest.mark.parametrize("digit", "013568")
@pytest.mark.parametrize("ink", [INK, 255 - INK])
def test_a_bold_digit_that_fills_its_crop_keeps_its_polarity(digit, ink):
    bold = cv2.erode(page_with(digit), np.ones((9, 9)))
    crop = tight(bold)

    image = normalise(seen(crop if ink == INK else 255 - crop)).image

    assert alike(image, normalise(bold).image) > 0.9


@pytest.mark.parametrize("digit", "235790")
@pytest.mark.parametrize("tone", [60, 130])
def test_the_lines_of_a_cell_are_left_out(digit, tone):
    page = page_with(digit)
    bottom = np.nonzero((page < 128).any(axis=1))[0][-1]
    lines = np.full_like(page, PAPER)
    lines[bottom : bottom + 3] = tone
    lines[:, 12:15] = tone

    assert likeness(np.minimum(page, lines), digit) > 0.9


@pytest.mark.parametrize("digit", "123456789")
@pytest.mark.parametrize("right", [True, False])
def test_a_neighbour_at_the_rim_makes_several_digits(digit, right):
    neighbour = tight(page_with(digit))
    cut = neighbour[:, : neighbour.shape[1] * 2 // 3]
    page = np.full((SIDE, SIDE), PAPER, np.uint8)
    top = (SIDE - len(cut)) // 2
    page[top : top + len(cut), -cut.shape[1] :] = cut
    page[:, :-30] = np.minimum(page[:, :-30], page_with("3")[:, 30:])

    result = normalise(seen(page if right else page[:, ::-1]))

    assert result.several


@pytest.mark.parametrize("digit", "0235689")
@pytest.mark.parametrize("turns", [0, 2, 3])
def test_a_digit_that_the_rim_cuts_is_cut_off(digit, turns):
    page = np.rot90(page_with(digit), turns)
    columns = np.nonzero((page < 128).any(axis=0))[0]
    page = np.ascontiguousarray(page[:, (2 * columns[0] + columns[-1]) // 3 :])

    assert normalise(seen(page)).cut_off


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_within_the_picture_is_whole_and_alone(digit):
    for picture in (page_with(digit), tight(page_with(digit))):
        result = normalise(seen(picture))

        assert not result.blank
        assert not result.several
        assert not result.cut_off


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_across_the_edge_of_a_shadow_keeps_its_form(digit):
    assert likeness(page_with(digit) * shadowed(0.4, 1.2), digit) > 0.9


def test_a_1_with_a_flag_and_a_foot_is_one_digit():
    page = np.full((SIDE, SIDE), PAPER, np.uint8)
    for start, end in (((50, 60), (80, 25)), ((80, 25), (80, 130)), ((55, 130), (105, 130))):
        cv2.line(page, start, end, INK, 9, cv2.LINE_AA)

    result = normalise(seen(page))

    assert not result.several
    assert np.count_nonzero(result.image.any(axis=1)) in (19, 20, 21)


@blank_page
def empty():
    return np.full((SIDE, SIDE), float(PAPER))


@blank_page
def unevenly_lit():
    return empty() * np.linspace(0.5, 1, SIDE)


@blank_page
def in_shadow():
    return empty() * shadowed(0.4, 1.2)


@blank_page
def ruled():
    page = empty()
    page[9::24] = page[10::24] = 120
    return page


@blank_page
def with_a_grid():
    page = ruled()
    page[:, 5::24] = page[:, 6::24] = 120
    return page


@blank_page
def with_a_frame():
    return cv2.rectangle(empty(), (15, 12), (145, 147), 90.0, 2)


@blank_page
def with_a_band():
    page = empty()
    page[:, :30] = 20
    return page


@blank_page
def with_specks():
    page = empty()
    for column, row in np.random.default_rng(3).integers(2, SIDE - 2, (8, 2)):
        page[row : row + 2, column : column + 2] = 60
    return page


@blank_page
def grainy():
    return empty() + np.random.default_rng(4).normal(0, 10, (SIDE, SIDE))


@blank_page
def mottled():
    clouds = np.random.default_rng(5).normal(0, 6, (SIDE // 8, SIDE // 8))
    return empty() - 10 + cv2.resize(clouds, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("name", BLANK_PAGES)
@pytest.mark.parametrize("size", [60, SIDE, 400])
def test_a_page_without_a_digit_is_blank(name, size):
    page = cv2.resize(BLANK_PAGES[name](), (size, size), interpolation=cv2.INTER_AREA)

    assert normalise(seen(page)).blank
