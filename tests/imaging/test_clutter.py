"""What stands on the paper beside the digit, and what falls on it."""

import cv2
import numpy as np
import pytest

from service.imaging import normalise

DIGITS = "0123456789"
SIDE = 160
INK, PRINT, PAPER = 40, 130, 235


def page_with(digit, ink=INK, paper=PAPER, size=3.2):
    """A picture [SIDE, SIDE] with `digit` in its middle."""
    page = np.full((SIDE, SIDE), paper, np.uint8)
    (width, height), _ = cv2.getTextSize(digit, cv2.FONT_HERSHEY_SIMPLEX, size, 9)
    corner = ((SIDE - width) // 2, (SIDE + height) // 2)
    return cv2.putText(page, digit, corner, cv2.FONT_HERSHEY_SIMPLEX, size, ink, 9, cv2.LINE_AA)


def seen(page, seed=2):
    """`page` with the noise of a camera."""
    noise = np.random.default_rng(seed).normal(0, 1.5, page.shape)
    return np.clip(np.rint(page + noise), 0, 255).astype(np.uint8)


def alike(one, other):
    """Correlation of two images, 1 where they show the same, of which one may lie a pixel off."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(
        np.corrcoef(np.roll(one, shift, (0, 1)).ravel(), other.ravel())[0, 1] for shift in shifts
    )


def likeness(page, digit):
    """How like the digit alone `page` comes out."""
    return alike(normalise(seen(page)).image, normalise(page_with(digit)).image)


def tight(page):
    """`page` cut off around its ink, which then touches all sides."""
    rows, columns = np.nonzero(page < 128)
    return page[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("border", [INK, 5])
def test_the_dark_border_of_a_scan_is_cut_off(digit, border):
    page = page_with(digit)
    page[:, :14] = border
    page[-14:] = border

    assert likeness(page, digit) > 0.95


def test_a_border_that_the_digit_runs_into_is_cut_off():
    page = page_with("7")
    bottom = np.nonzero((page < 128).any(axis=1))[0][-1]
    page[bottom - 2 :] = INK
    page[bottom + 20 :] = PAPER
    page = page[: bottom + 20]

    assert likeness(page, "7") > 0.95


@pytest.mark.parametrize("digit", "0357")
@pytest.mark.parametrize("width", [3, 5])
def test_bands_of_inverted_columns_do_not_decide_what_is_ink(digit, width):
    expected = normalise(cv2.resize(255 - page_with(digit, 0, 255), (28, 28))).image
    image = cv2.resize(255 - page_with(digit, 0, 255), (28, 28), interpolation=cv2.INTER_AREA)
    image[:, :width] = 255
    image[:, -width:] = 255

    assert alike(normalise(image).image, expected) > 0.9


@pytest.mark.parametrize("digit", DIGITS)
def test_the_bar_of_a_digit_cropped_tightly_is_no_border(digit):
    assert likeness(tight(page_with(digit)), digit) > 0.9


def test_a_margin_in_a_picture_of_few_pixels_is_no_border():
    picture = np.full((8, 8), 255, np.uint8)
    picture[:, 2:6] = 0

    assert not normalise(picture).blank


def test_the_end_of_a_neighbours_stroke_beside_a_tightly_cropped_digit_is_left_out():
    page = np.pad(tight(page_with("3")), ((0, 0), (14, 0)), constant_values=PAPER)
    cv2.line(page, (0, 20), (4, 48), INK, 7, cv2.LINE_AA)

    assert likeness(page, "3") > 0.95


def test_a_narrow_digit_beside_a_tightly_cropped_wide_one_is_no_stroke_of_a_neighbour():
    wide, narrow = tight(page_with("8")), tight(page_with("1"))
    page = np.full((len(wide), wide.shape[1] + narrow.shape[1] + 12), PAPER, np.uint8)
    page[:, : wide.shape[1]] = wide
    page[: len(narrow), -narrow.shape[1] :] = narrow[: len(wide)]

    assert normalise(seen(page)).several


def test_the_bar_of_a_tightly_cropped_5_is_kept_though_it_is_a_piece_of_its_own():
    page = np.full((100, 70), PAPER, np.uint8)
    cv2.line(page, (30, 3), (70, 3), INK, 8)
    cv2.ellipse(page, (25, 62), (36, 34), 0, -90, 130, INK, 8, cv2.LINE_AA)

    pieces, _ = cv2.connectedComponents((normalise(seen(page)).image > 60).astype(np.uint8))

    assert pieces - 1 == 2


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("tone", [INK, 90, PRINT])
def test_the_box_of_a_form_is_left_out(digit, tone):
    page = cv2.rectangle(page_with(digit), (15, 12), (145, 147), tone, 3)

    assert likeness(page, digit) > 0.93


def test_a_box_that_the_digit_touches_is_left_out_if_it_is_fainter():
    page = cv2.rectangle(page_with("4"), (15, 12), (145, 147), 110, 3)
    bottom = np.nonzero((page_with("4") < 128).any(axis=1))[0][-1]
    page[bottom - 1 : bottom + 2, 20:140] = np.minimum(page[bottom - 1 : bottom + 2, 20:140], 110)

    assert likeness(page, "4") > 0.95


def test_a_ring_around_a_dot_stays_whole():
    page = cv2.circle(np.full((SIDE, SIDE), PAPER, np.uint8), (80, 80), 50, INK, 9, cv2.LINE_AA)
    expected = normalise(seen(page)).image
    cv2.circle(page, (80, 80), 9, INK, -1)

    assert alike(normalise(seen(page)).image, expected) > 0.9


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("tone", [PRINT, 190])
@pytest.mark.parametrize("both_ways", [False, True])
def test_the_lines_of_the_paper_are_left_out(digit, tone, both_ways):
    page = np.full((SIDE, SIDE), PAPER, np.uint8)
    for place in range(9, SIDE, 24):
        page[place : place + 2] = tone
        if both_ways:
            page[:, place : place + 2] = tone
    page = np.minimum(page, page_with(digit))

    assert likeness(page, digit) > 0.93


def test_strokes_of_one_pen_pressed_ever_harder_are_all_kept():
    top, bottom = 35, 125
    pressure = np.clip((np.arange(SIDE) - top) / (bottom - top), 0, 1)[:, None]
    cover = (PAPER - page_with("4").astype(float)) / (PAPER - INK)
    page = PAPER - cover * (70 + (PAPER - INK - 70) * pressure)

    image = normalise(seen(page)).image

    assert alike(image > 0, normalise(page_with("4")).image > 0) > 0.9


def test_ink_of_two_tones_that_are_nearly_the_same_is_all_kept():
    page = np.where(np.arange(SIDE)[:, None] < 80, page_with("4", ink=INK + 20), page_with("4"))

    assert likeness(page, "4") > 0.93


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("darkness", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("angle", [0.4, 2.6])
def test_a_shadow_with_an_edge_makes_little_difference(digit, darkness, angle):
    assert likeness(page_with(digit) * shadow(darkness, angle), digit) > 0.93


@pytest.mark.parametrize("darkness", [0.2, 0.3])
@pytest.mark.parametrize("angle", [0.4, 1.3, 2.6])
def test_a_shadow_alone_is_a_blank_page(darkness, angle):
    page = np.full((SIDE, SIDE), float(PAPER)) * shadow(darkness, angle)

    assert normalise(seen(page, seed=1)).blank


def test_a_bold_digit_is_no_shadow():
    page = cv2.erode(page_with("8", size=3), np.ones((9, 9)))

    assert likeness(page, "8") > 0.85


@pytest.mark.parametrize("digit", DIGITS)
def test_light_that_falls_off_to_all_sides_makes_little_difference(digit):
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]

    assert likeness(page_with(digit, ink=60) * (1 - 0.2 * (x * x + y * y)), digit) > 0.93


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("paper", [240.0, 239.6, 240.4])
def test_noise_over_a_whole_page_does_not_outweigh_a_small_digit(seed, paper):
    page = np.full((640, 480), paper)
    small = cv2.resize(page_with("3"), (32, 32), interpolation=cv2.INTER_AREA)
    page[590:622, 30:62] -= PAPER - small.astype(float)

    assert alike(normalise(seen(page, seed)).image, normalise(page_with("3")).image) > 0.8


def test_what_stands_out_by_a_few_grey_levels_is_no_ink():
    assert normalise(page_with("3", ink=PAPER - 8)).blank


def shadow(darkness, angle):
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    return 1 - darkness / (1 + np.exp((x * np.cos(angle) + y * np.sin(angle)) * 25))
