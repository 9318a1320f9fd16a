"""`numeral score --form` and `numeral read --form`: pages of a form become rows."""

import csv
import json
import zipfile

import pytest
from PIL import Image

from tests.cli.running import numeral
from tests.forms.drawing import SLIP, jpeg, photograph, slip
from tests.scoring.tables import read_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A form, and a folder with a TIFF of two pages, a photo, another picture and a broken file."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "slip.yaml").write_text(SLIP.replace("FOUND_BY", "corners"))
    scans = folder / "scans"
    scans.mkdir()
    pages = [Image.fromarray(slip(code=code)) for code in ("10027", "94110")]
    pages[0].save(scans / "a.tif", save_all=True, append_images=pages[1:])
    (scans / "b.jpg").write_bytes(jpeg(photograph(slip(digit=""), 0.5, turn=180)))
    Image.new("L", (400, 300), 220).save(scans / "c.png")
    (scans / "d.png").write_bytes(b"no picture")
    return folder


def _row(row):
    names = ("source", "member", "decision", "zip", "digit", "digit.reasons", "agreed", "error")
    return tuple(row[name] for name in names)


ROWS = [
    ("scans/a.tif", "1", "accept", "10027", "7", [], "true", None),
    ("scans/a.tif", "2", "accept", "94110", "7", [], "true", None),
    ("scans/b.jpg", None, "review", "94110", None, ["blank"], "true", None),
    ("scans/c.png", None, "review", None, None, None, None, None),
    ("scans/d.png", None, None, None, None, None, None, "unsupported-format"),
]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_each_page_of_each_file_has_a_row(folder, suffix):
    command = ("read", "--form", "slip.yaml", "scans", "--out", f"rows.{suffix}")

    result = numeral(*command, folder=folder)

    assert result.returncode == 1, result.stderr
    rows = read_table(folder / f"rows.{suffix}")
    assert list(map(_row, rows)) == ROWS
    assert rows[0]["again.reasons"] == ["blank"]
    assert rows[0]["error_bound"] == pytest.approx(0.06)
    assert rows[3]["reasons"] == ["page_not_found"]
    again = numeral(*command, folder=folder)
    assert "is already complete" in again.stderr


def test_a_spreadsheet_has_values_where_they_are_accepted_and_guesses_elsewhere(folder):
    numeral("read", "--form", "slip.yaml", "scans", "--out", "rows.csv", folder=folder)

    with (folder / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["zip"] for row in rows] == ["10027", "94110", "94110", "", ""]
    assert [row["digit"] for row in rows] == ["7", "7", "", "", ""]
    assert rows[2]["digit.reasons"] == '["blank"]'
    assert rows[2]["decision"] == "review"


def test_several_processes_read_a_form_from_the_folder_of_forms(folder):
    result = numeral(
        "score", "--form", "slip", "--workers", "2", "scans", folder=folder, NUMERAL_FORMS="."
    )

    assert list(map(_row, map(json.loads, result.stdout.splitlines()))) == ROWS


def test_pages_of_a_file_in_an_archive_are_not_lost_in_silence(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(folder / "scans" / "a.tif", "a.tif")

    result = numeral("read", "--form", folder / "slip.yaml", tmp_path / "all.zip")

    [row] = map(json.loads, result.stdout.splitlines())
    assert (row["error"], row["form"]) == ("several-pages", "slip")


def test_ray_reads_the_same(folder, nodes, tmp_path):
    command = ("score", "--engine", "ray", "--address", nodes.address, "--form", "slip.yaml")

    result = numeral(*command, "scans", "--out", tmp_path / "rows", folder=folder)

    assert result.returncode == 1, result.stderr
    files = sorted((tmp_path / "rows").glob("*.parquet"))
    assert [_row(row) for file in files for row in read_table(file)] == ROWS


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--form", "other"), "there is no form 'other'"),
        (("--form", "other.yaml"), "other.yaml: it cannot be read"),
        (("--form", "slip.yaml", "--length", "5"), "the file of the form says"),
        (("--out", "rows.csv"), "add --form"),
    ],
)
def test_a_wrong_command_says_why(folder, options, reason):
    result = numeral("read", *options, "scans", folder=folder)

    assert result.returncode == 2
    assert reason in " ".join(result.stderr.replace("│", " ").split())
