"""`POST /tables`: a page to rows."""

import csv
from io import BytesIO

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image

from tests.e2e.running import run_service
from tests.forms.pages import logbook, ruled, written

ROWS = [["2750", "31", None], ["18", "604", "7"], ["52", None, "2230"], ["75", "3", "42"]]
CSV = {"Accept": "text/csv"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """URL of a service with a deadline for busy machines."""
    with run_service(tmp_path_factory.mktemp("tables"), request_timeout=60) as service:
        service.wait_until_ready()
        yield service.url


@pytest.fixture(scope="module")
def page():
    return logbook(ROWS)


def texts(answer):
    return [[cell and cell["text"] for cell in row] for row in answer["rows"]]


def png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()


def turned(page, quarters):
    return png(np.rot90(cv2.imdecode(np.frombuffer(page, np.uint8), 0), quarters))


@pytest.mark.parametrize("bent", [False, True])
def test_the_rows_of_a_page(server, bent):
    answer = httpx.post(f"{server}/tables", content=logbook(ROWS, bent=bent)).json()

    assert texts(answer) == ROWS
    assert answer["turned"] == 0
    assert answer["columns"] == ["field"] * 3


def test_a_cell_says_where_it_is(server, page):
    answer = httpx.post(f"{server}/tables", content=page).json()

    first, second, _ = answer["rows"][0]
    assert (first["index"], second["index"]) == (0, 1)
    assert first["corners"][0] == answer["corners"][0]
    assert np.allclose(first["corners"][1], second["corners"][0])


def test_a_small_scan(server, page):
    picture = cv2.imdecode(np.frombuffer(page, np.uint8), 0)
    small = cv2.resize(picture, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)

    assert texts(httpx.post(f"{server}/tables", content=png(small)).json()) == ROWS


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_page_that_is_not_upright_is_turned(server, page, quarters):
    answer = httpx.post(f"{server}/tables", content=turned(page, quarters)).json()

    assert answer["turned"] == 360 - 90 * quarters
    assert texts(answer) == ROWS


def test_single_digits_on_their_heads_are_not_taken_for_upright(server):
    # Most of these are digits whichever way up they are.
    rows = [list("0816"), list("9108"), list("5743"), list("8061"), list("1947")]

    answer = httpx.post(f"{server}/tables", content=turned(logbook(rows), 2)).json()

    assert answer["turned"] == 180
    cells = [cell for row in answer["rows"] for cell in row]
    read = zip(cells, "".join(map("".join, rows)), strict=True)
    assert [(cell, digit) for cell, digit in read if cell["text"] != digit] == []


def test_a_page_that_may_be_on_its_head_is_reviewed(server):
    page = logbook([["69", "88"], ["96", "81"]])

    answer = httpx.post(f"{server}/tables", content=turned(page, 2)).json()

    assert answer["decision"] == "review"
    assert all("unsure_place" in cell["reasons"] for row in answer["rows"] for cell in row)


def test_an_empty_table(server):
    answer = httpx.post(f"{server}/tables", content=logbook([[None] * 3] * 3)).json()

    assert texts(answer) == [[None] * 3] * 3
    assert answer["decision"] == "accept"


def test_csv_has_a_line_for_each_row_and_names_what_to_review(server, page):
    response = httpx.post(f"{server}/tables", content=page, headers=CSV)
    answer = httpx.post(f"{server}/tables", content=page).json()

    assert response.headers["content-type"].startswith("text/csv")
    header, *lines = csv.reader(response.text.splitlines())
    assert header == ["row", "column_1", "column_2", "column_3", "review"]
    for number, (line, row) in enumerate(zip(lines, answer["rows"], strict=True), 1):
        wanted = ["" if cell is None else "?" for cell in row]
        for place, cell in enumerate(row):
            if cell and cell["decision"] == "accept":
                wanted[place] = cell["text"]
            assert (f"column_{place + 1}:" in line[-1]) == (wanted[place] == "?")
        assert line[:-1] == [str(number), *wanted]


def test_columns_say_what_is_written_and_what_to_skip(server, page):
    url = f"{server}/tables?columns=amount,skip,digit&header=1"

    answer = httpx.post(url, content=page).json()
    response = httpx.post(url, content=page, headers=CSV)

    assert answer["columns"] == ["amount", "skip", "digit"]
    assert [len(row) for row in answer["rows"]] == [2, 2, 2]
    assert answer["rows"][1][0]["amount"] is None or "value" in answer["rows"][1][0]["amount"]
    assert answer["rows"][1][1]["reasons"] == ["no_match"]
    header, first, *_ = csv.reader(response.text.splitlines())
    assert header == ["row", "column_1", "column_3", "review"]
    assert first[0] == "2"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("columns=field,field", "the table has 4 rows and 3 columns"),
        ("columns=skip,skip,skip", "skips every column"),
        ("header=4", "must be below 4, the number of rows"),
    ],
)
def test_what_does_not_fit_the_table_is_refused(server, page, query, reason):
    response = httpx.post(f"{server}/tables?{query}", content=page)

    assert response.status_code == 422
    assert reason in response.json()["detail"]


@pytest.mark.parametrize("query", ["columns=word", "columns=field,", "header=-1", "page=0"])
def test_a_parameter_that_is_wrong(server, page, query):
    response = httpx.post(f"{server}/tables?{query}", content=page)

    assert response.status_code == 422
    assert response.json()["type"] == "/problems/invalid-request"


def test_the_page_of_a_document(server, page):
    first = Image.new("L", (400, 400), 255)
    file = BytesIO()
    first.save(file, "TIFF", save_all=True, append_images=[Image.open(BytesIO(page))])

    second = httpx.post(f"{server}/tables?page=2", content=file.getvalue())

    assert texts(second.json()) == ROWS
    response = httpx.post(f"{server}/tables", content=file.getvalue())
    assert response.json()["type"] == "/problems/no-table"


def test_a_cell_in_bright_light_is_not_taken_for_empty(server, page):
    corners = httpx.post(f"{server}/tables", content=page).json()["rows"][1][2]["corners"]
    picture = cv2.imdecode(np.frombuffer(page, np.uint8), 0).astype(float)
    (left, top), (right, bottom) = np.rint(corners).astype(int)[[0, 2]]
    picture[top + 6 : bottom - 6, left + 6 : right - 6] += 230

    answer = httpx.post(
        f"{server}/tables", content=png(np.clip(picture, 0, 255).astype(np.uint8))
    ).json()

    assert answer["rows"][1][2]["decision"] == "review"
    assert texts(answer)[0] == ROWS[0]


def test_a_cut_page_has_fewer_rows_and_no_wrong_ones(server, page):
    picture = cv2.imdecode(np.frombuffer(page, np.uint8), 0)

    response = httpx.post(f"{server}/tables", content=png(picture[: 90 + 2 * 108 + 50]))

    assert response.status_code == 200
    assert texts(response.json()) == ROWS[:2]


def test_a_picture_without_a_table(server):
    response = httpx.post(f"{server}/tables", content=png(written("1807")))

    assert response.status_code == 422
    assert response.json()["type"] == "/problems/no-table"


def test_a_table_of_many_cells_is_read_within_the_deadline_or_refused(start_ready):
    page = ruled(range(20, 1421, 35), range(20, 1421, 35), size=(1440, 1440))
    service = start_ready(queue_size=8, request_timeout=0.5)
    for x in range(20, 1400, 35):
        for y in range(20, 1400, 35):
            cv2.line(page, (x + 17, y + 8), (x + 17, y + 27), 40, 3)

    response = httpx.post(f"{service.url}/tables", content=png(page))

    assert response.status_code == 504
    assert httpx.post(f"{service.url}/fields", content=png(written("1807"))).status_code == 200
