"""`numeral table`."""

import csv
from io import StringIO

import pytest

from tests.cli.running import numeral
from tests.forms.pages import logbook, written
from tests.imaging.documents import document, from_bytes

ROWS = [["2750", None], ["304", "73"], ["52", "2435"]]


@pytest.fixture(scope="module")
def pages():
    return [logbook(ROWS), logbook(ROWS[::-1], seed=2)]


def rows_of(text):
    header, *rows = csv.reader(StringIO(text))
    return header, [dict(zip(header, row, strict=True)) for row in rows]


def values(rows):
    """Return what was read; of what needs review, the best guess."""
    cells = []
    for row in rows:
        guesses = dict(part.split(": ", 1) for part in row["review"].split("; ") if part)
        cells.append(
            [
                guesses[name].rpartition("perhaps ")[2] if row[name] == "?" else row[name] or None
                for name in ("column_1", "column_2")
            ]
        )
    return cells


def test_all_pages_of_a_document_go_into_one_file(tmp_path, pages):
    scan, out = tmp_path / "scan.tiff", tmp_path / "rows.csv"
    scan.write_bytes(document([from_bytes(page) for page in pages], "TIFF"))

    result = numeral("table", scan, "--out", out)

    assert (result.returncode, result.stdout) == (0, "")
    header, rows = rows_of(out.read_text())
    assert header == ["file", "page", "row", "column_1", "column_2", "review"]
    assert [(row["file"], row["page"], row["row"]) for row in rows] == [
        (str(scan), page, row) for page in "12" for row in "123"
    ]
    assert values(rows) == ROWS + ROWS[::-1]


def test_a_page_that_cannot_be_read_is_reported_and_the_others_are_read(tmp_path, pages):
    files = {
        "good.jpg": pages[0],
        "field.jpg": written("1807").tobytes(),
        "wider.jpg": logbook([["1", "2", "3"], ["4", "5", "6"]]),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    result = numeral("table", *files, "missing.jpg", folder=tmp_path)

    assert result.returncode == 1
    assert values(rows_of(result.stdout)[1]) == ROWS
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        f"{name}, page 1" for name in ("field.jpg", "wider.jpg", "missing.jpg")
    ]


def test_columns_name_what_is_written(tmp_path, pages):
    (tmp_path / "page.jpg").write_bytes(pages[0])

    result = numeral("table", "--columns", "skip,field", "--header", 1, "page.jpg", folder=tmp_path)

    header, rows = rows_of(result.stdout)
    assert header == ["file", "page", "row", "column_2", "review"]
    assert [row["row"] for row in rows] == ["2", "3"]


def test_an_unknown_kind_of_column():
    result = numeral("table", "--columns", "word", "page.jpg", COLUMNS="200")

    assert result.returncode == 2
    assert "word; choose from field, digit" in result.stderr
