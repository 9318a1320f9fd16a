"""docs/scoring.md says which columns a table of `numeral score` has, and which errors."""

import re
from pathlib import Path

import pytest

from service.imaging import PictureTooLarge, UnreadableImage, UnsupportedFormat
from service.scoring import contents, reading, tables
from service.scoring.reading import Digits, Fields, FormattedFields

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "scoring.md").read_text()


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("digits", Digits.columns),
        ("fields", Fields.columns),
        ("formats", FormattedFields.columns[len(Fields.columns) :]),
    ],
)
def test_every_column_is_documented_with_its_type(name, columns):
    table = DOCUMENT.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0]

    documented = re.findall(r"^\| `(\w+)` \| `(.+)` \| (.+) \|$", table, re.MULTILINE)

    assert documented == [tuple(column) for column in columns]


def test_every_error_is_documented():
    sources = "".join(Path(module.__file__).read_text() for module in (contents, reading, tables))
    errors = {
        *re.findall(r'"(unreadable-\w+|file-too-large|internal-error)"', sources),
        *(kind.slug for kind in (UnreadableImage, UnsupportedFormat, PictureTooLarge)),
    }

    assert len(errors) == 9
    assert [error for error in errors if f"`{error}`" not in DOCUMENT] == []
