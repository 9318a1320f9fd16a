"""Finding pages: in every position, and never in other pictures, within bounded time."""

import cv2
import numpy as np
import pytest

from service.forms.files import Form, FormError
from service.forms.finding import FINDERS, PageNotFound
from service.forms.reference import reference_finder
from tests.forms.drawing import EDGE, PAPER, PIXELS, draw_page, photograph, placed

SIZE = (148, 105)
LINES = (
    "Application for a parking permit",
    "Name and address of the holder",
    "Number of the vehicle, as registered",
    "I agree to the conditions overleaf",
    "Office use only: received, checked, entered",
    "Amount due in pounds and pence",
)


def form(found_by):
    fields = {"number": {"box": [20, 20, 60, 10], "kind": "field"}}
    given = {"name": "permit", "version": "1", "page": {"width": 148, "height": 105}}
    blank = "blank.png" if found_by == "reference" else None
    return Form.model_validate(given | {"found_by": found_by, "reference": blank, "fields": fields})


def printed(lines=LINES):
    page = draw_page(SIZE, "none")[60:-60, 60:-60].copy()
    for number, line in enumerate(lines):
        left = 30 + 160 * (number % 2)
        cv2.putText(page, line, (left, 60 + 105 * number), 0, 0.9, 40, 2, cv2.LINE_AA)
    return page


@pytest.fixture(scope="module")
def find(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "blank.png"
    cv2.imwrite(str(path), printed())
    return reference_finder(path, form("reference"))


@pytest.mark.parametrize("found_by", ["corners", "aruco", "reference"])
@pytest.mark.parametrize("turn", [0, 100, 180])
@pytest.mark.parametrize("severity", [0.3, 1.0])
def test_a_page_is_found_to_two_pixels_whichever_way_up_it_is(find, found_by, turn, severity):
    page = printed() if found_by == "reference" else draw_page(SIZE, found_by)
    cv2.putText(page, "12345678", (250, 250), 0, 2, 30, 4, cv2.LINE_AA)

    finder = find if found_by == "reference" else FINDERS[found_by]
    found = finder(photograph(page, severity, seed=3, turn=turn), form(found_by))

    edge = 0 if found_by == "reference" else PIXELS * EDGE
    height, width = page.shape
    ends = [
        (edge, edge),
        (width - edge, edge),
        (width - edge, height - edge),
        (edge, height - edge),
    ]
    warp, _ = placed(page, severity, 3, turn)
    truth = cv2.perspectiveTransform(np.array([ends], np.float32) - 0.5, warp)[0] + 0.5
    assert np.abs(found.corners - truth).max() < 2
    assert found.residual_px < 1.5


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda page: printed([line[::-1].upper() for line in LINES]), "page_not_found"),
        (lambda page: page[:, : page.shape[1] // 2], "page_(not_found|cut_off)"),
        (lambda page: page[page.shape[0] // 2 :], "page_(not_found|cut_off)"),
        (lambda page: page[:, ::-1].copy(), "page_not_found"),
        (lambda page: np.vstack([page, page]), "several_pages"),
    ],
)
def test_another_page_half_a_page_and_two_pages_are_not_found_by_print(find, spoil, reason):
    with pytest.raises(PageNotFound, match=reason):
        find(photograph(spoil(printed()), 0.5), form("reference"))


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.full((525, 740), PAPER, np.uint8), "too little print"),
        (np.full((700, 300), PAPER, np.uint8), "another shape"),
        (None, "No such file"),
    ],
)
def test_a_reference_that_nothing_can_be_found_by_is_an_error(tmp_path, picture, reason):
    if picture is not None:
        cv2.imwrite(str(tmp_path / "blank.png"), picture)

    with pytest.raises(FormError, match=reason):
        reference_finder(tmp_path / "blank.png", form("reference"))


def _full_of_squares():
    square = np.full((40, 40), 255, np.uint8)
    square[8:32, 8:32] = 0
    hollow = square.copy()
    hollow[14:26, 14:26] = 255
    return np.tile(np.hstack([square, hollow]), (40, 20))


@pytest.mark.parametrize("found_by", ["corners", "aruco"])
@pytest.mark.parametrize(
    "picture",
    [
        _full_of_squares(),
        np.random.default_rng(1).integers(0, 256, (1600, 1600), np.uint8),
        np.kron(np.eye(200, dtype=np.uint8) * 255, np.ones((8, 8), np.uint8)),
    ],
    ids=["squares", "noise", "stairs"],
)
def test_a_picture_full_of_shapes_is_no_page(found_by, picture):
    with pytest.raises(PageNotFound):
        FINDERS[found_by](picture, form(found_by))
