"""docs/scoring.md says which columns a table of `numeral score` has, and how it may end."""

import re
from pathlib import Path

import pytest

from service.imaging import UnreadableImage
from service.scoring import errors
from service.scoring.digits import Digits
from service.scoring.fields import Fields

DOCUMENT = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text()


@pytest.mark.parametrize(("name", "kind"), [("digits", Digits), ("fields", Fields)])
def test_every_column_is_documented_with_its_type(name, kind):
    table = DOCUMENT.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0]

    documented = re.findall(r"^\| `(\w+)` \| `(.+)` \| (.+) \|$", table, re.MULTILINE)

    assert documented == [tuple(column) for column in kind.columns]


def test_every_error_is_documented():
    kinds = {error.slug for error in (UnreadableImage, *_all_below(UnreadableImage))}

    assert errors.FileTooLarge.slug in kinds
    assert [kind for kind in kinds if f"`{kind}`" not in DOCUMENT] == []


def _all_below(kind):
    for below in kind.__subclasses__():
        yield below
        yield from _all_below(below)
