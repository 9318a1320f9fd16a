"""The grid of a table is found where it is, or not at all."""

import cv2
import numpy as np
import pytest

from service.errors import NoTable
from service.forms.grid import find_grid
from tests.forms.pages import LINE, PAPER, ruled

XS, YS = (100, 260, 500, 640, 1000), (80, 150, 220, 290, 360, 430, 500)


def crossings():
    return np.stack(np.meshgrid(XS, YS), axis=2).astype(np.float32)


def test_the_crossings_of_a_flat_table_are_where_it_was_drawn():
    grid = find_grid(ruled(XS, YS))

    assert grid.shape == (6, 4)
    assert not grid.doubtful.any()
    assert np.abs(grid.points - crossings()).max() < 2


@pytest.mark.parametrize("quarters", range(4))
def test_all_cells_of_a_table_that_the_picture_cuts_off_are_doubtful(quarters):
    page = np.rot90(ruled(XS, YS)[:, :880], quarters)

    grid = find_grid(np.ascontiguousarray(page))

    assert sorted(grid.shape) == [3, 6]
    assert grid.doubtful.all()


@pytest.mark.parametrize("degrees", [-8, 5])
def test_a_table_at_an_angle(degrees):
    turn = cv2.getRotationMatrix2D((600, 450), degrees, 0.85)
    tilt = np.array([[1, 0.03, 0], [0.02, 1, 0], [8e-5, 5e-5, 1]])
    view = tilt @ np.vstack([turn, [0, 0, 1]])
    page = cv2.warpPerspective(ruled(XS, YS), view, (1200, 950), borderValue=PAPER)

    grid = find_grid(page)

    assert grid.shape == (6, 4)
    assert np.abs(grid.points - cv2.perspectiveTransform(crossings(), view)).max() < 3


def test_a_bent_page():
    y, x = np.mgrid[:900, :1200].astype(np.float32)
    bend = 14 * np.sin(x / 300)
    page = cv2.remap(ruled(XS, YS), x, y - bend, cv2.INTER_LINEAR, borderValue=PAPER)

    grid = find_grid(page)

    expected = crossings()
    expected[..., 1] += 14 * np.sin(expected[..., 0] / 300)
    assert grid.shape == (6, 4)
    assert np.abs(grid.points - expected).max() < 4


def test_a_large_photo_has_its_crossings_in_its_own_pixels():
    large = cv2.resize(ruled(XS, YS), None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)

    assert np.abs(find_grid(large).points - 3 * crossings()).max() < 6


def test_strokes_in_the_cells_are_no_lines():
    page = ruled(XS, YS)
    for row in range(6):
        cv2.line(page, (560, YS[row] + 8), (558, YS[row + 1] - 8), 30, 3)
        cv2.line(page, (120, YS[row] + 35), (240, YS[row] + 33), 30, 3)

    grid = find_grid(page)

    assert grid.shape == (6, 4)
    assert np.abs(grid.points - crossings()).max() < 2


def test_cells_beside_a_line_that_is_half_there_are_doubtful():
    page = ruled(XS, YS)
    page[:265, 495:506] = PAPER
    for y in YS:
        cv2.line(page, (490, y), (510, y), LINE, 2)

    grid = find_grid(page)

    assert grid.shape == (6, 3)
    assert grid.doubtful[:, 1].all()
    assert not grid.doubtful[:, [0, 2]].any()


def test_all_cells_are_doubtful_beside_an_outer_line_that_is_half_there():
    page = ruled(XS, YS)
    page[:265, 95:106] = PAPER

    grid = find_grid(page)

    assert grid.shape == (6, 3)
    assert grid.doubtful.all()


def test_a_row_of_twice_the_height_is_doubtful():
    grid = find_grid(ruled(XS, YS[:3] + YS[4:]))

    assert grid.doubtful.any(axis=1).tolist() == [False, False, True, False, False]


def test_the_larger_of_two_tables_is_found():
    page = ruled(XS, YS)
    cv2.rectangle(page, (100, 600), (300, 700), LINE, 2)
    cv2.line(page, (200, 600), (200, 700), LINE, 2)
    cv2.line(page, (100, 650), (300, 650), LINE, 2)

    assert find_grid(page).shape == (6, 4)


def _text():
    page = np.full((900, 700), PAPER, np.uint8)
    for y in range(60, 860, 28):
        cv2.putText(page, "The quick brown fox jumps over 13 dogs", (40, y), 0, 0.9, 40, 2)
    return page


def _ruled_paper():
    page = np.full((900, 700), PAPER, np.uint8)
    page[60:860:40] = LINE
    return page


NO_TABLES = {
    "blank paper": np.full((900, 700), PAPER, np.uint8),
    "noise": np.random.default_rng(1).integers(0, 256, (600, 600)).astype(np.uint8),
    "text": _text(),
    "ruled paper": _ruled_paper(),
    "a single box": ruled((100, 500), (100, 300)),
    "a row of boxes": ruled((100, 200, 300, 400, 500), (100, 200)),
    "a fine texture": ruled(range(3, 1500, 7), range(3, 1500, 7), size=(1500, 1500), thickness=1),
    "a thin strip": np.full((1, 5000), PAPER, np.uint8),
    "one pixel": np.zeros((1, 1), np.uint8),
}


@pytest.mark.parametrize("picture", NO_TABLES.values(), ids=NO_TABLES)
def test_a_picture_without_a_table(picture):
    with pytest.raises(NoTable):
        find_grid(picture)


def test_two_tables_of_the_same_size():
    page = np.hstack([ruled(XS, YS), ruled(XS, YS)])

    with pytest.raises(NoTable, match="several tables"):
        find_grid(page)


def test_a_table_with_too_many_cells():
    page = ruled(range(50, 1511, 20), range(50, 1511, 20), size=(1560, 1560), thickness=1)

    with pytest.raises(NoTable, match="73 x 73 cells"):
        find_grid(page)
