"""SOURCE to tasks: what is found, in which order, and how much memory that takes."""

import os
import tracemalloc
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as some

from service.scoring.contents import Contents
from service.scoring.pieces import Piece
from service.scoring.sources import (
    NoSuchSource,
    from_line,
    list_pieces,
    pictures_of,
    tasks_of,
    to_line,
)

_pieces = some.lists(
    some.builds(
        lambda source, start, count: Piece(source, start, start + count),
        some.text(some.characters(codec=None), min_size=1, max_size=5),
        some.integers(0, 50),
        some.integers(0, 40),
    ),
    max_size=30,
)


@given(_pieces, some.integers(1, 20))
def test_tasks_have_all_pictures_in_order_whatever_their_names(pieces, size):
    tasks = [from_line(to_line(task)) for task in tasks_of(pieces, size)]

    assert _pictures(piece for task in tasks for piece in task) == _pictures(pieces)
    assert all(pictures_of(task) == size for task in tasks[:-1])
    assert all(0 < pictures_of(task) <= size for task in tasks)


def test_a_folder_is_listed_in_the_order_of_its_paths(tmp_path):
    names = ["a/b.png", "a.png", "a-1/c.png", "a/b/c.png", "b.png", "A.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()

    found = [os.path.relpath(piece.source, tmp_path) for piece in _listed(str(tmp_path))]

    assert found == sorted(names)


def test_a_list_of_any_length_stays_out_of_memory(tmp_path):
    names = tmp_path / "names"
    names.write_text("".join(f"some/where/picture-{number:08}.png\n" for number in range(200_000)))
    pieces = _listed(f"@{names}")
    next(pieces)

    tracemalloc.start()
    try:
        for _ in islice(pieces, 199_000):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000


def test_a_folder_that_cannot_be_listed_is_a_piece(tmp_path, monkeypatch):
    (tmp_path / "secret").mkdir()
    (tmp_path / "a.png").touch()
    scandir = os.scandir

    def refuses(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    # The tests may run as root, to whom nothing is refused.
    monkeypatch.setattr(os, "scandir", refuses)

    assert list(_listed(str(tmp_path))) == [
        Piece(str(tmp_path / "a.png")),
        Piece(str(tmp_path / "secret")),
    ]


@pytest.mark.parametrize("source", ["nowhere", "*.png", "@nowhere"])
def test_a_source_that_does_not_exist_is_an_error(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NoSuchSource):
        list(_listed(source))


def _listed(source):
    return list_pieces([source], Contents(10**6))


def _pictures(pieces):
    return [(piece.source, number) for piece in pieces for number in range(piece.start, piece.stop)]
