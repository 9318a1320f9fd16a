"""Addresses of fsspec's, here of files in memory: what is listed at one is read by its own."""

from uuid import uuid4

import pytest

pytest.importorskip("fsspec")
pytest.importorskip("pyarrow")

from service.imaging import UnreadableImage
from service.scoring.pieces import Piece
from service.scoring.ray.listing import list_everywhere
from service.scoring.ray.reading import Reader
from service.scoring.ray.stores import Place, Stores
from service.scoring.ray.tables import UnreadableTable, rows_in


@pytest.fixture
def scans():
    """The address of a folder with two files, and a folder with a third."""
    import fsspec

    address = f"memory://{uuid4().hex}"
    for name in ("a.png", "b.png", "results/c.png"):
        fsspec.filesystem("memory").pipe(f"{address}/{name}", name.encode())
    return address


@pytest.mark.parametrize("what", ["", "/", "/*.png", "/**/*.png"])
def test_what_is_listed_at_an_address_can_be_read(scans, what):
    found = tuple(list_everywhere([scans + what], frozenset(), Stores()))

    assert found[0].source == f"{scans}/a.png"
    assert next(Reader(None, 100)(found)).content == b"a.png"


def test_the_results_are_no_source(scans):
    found = list_everywhere([scans, f"{scans}/**/*"], frozenset([f"{scans}/results"]), Stores())

    assert [piece.source for piece in found] == 2 * [f"{scans}/a.png", f"{scans}/b.png"]


@pytest.mark.parametrize(
    ("address", "path", "below", "whole"),
    [
        ("sftp://host:22/scans/", "/scans", "/scans/a.png", "sftp://host:22/scans/a.png"),
        ("s3://scans", "scans", "scans/a.png", "s3://scans/a.png"),
        ("file:///", "/", "/a.png", "file:///a.png"),
    ],
)
def test_an_address_keeps_what_its_path_leaves_out(address, path, below, whole):
    assert Place(None, path).address_of(below, address) == whole


def test_a_name_that_is_no_text_is_one_that_cannot_be_read():
    name = "\udcff.parquet"

    with pytest.raises(UnreadableTable):
        rows_in(name, Stores())
    [item] = Reader(None, 100)((Piece(f"file:///{name.removesuffix('.parquet')}"),))
    assert isinstance(item.content, UnreadableImage)
