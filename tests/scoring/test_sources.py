"""SOURCE to pieces: what is found, and how much is held of it meanwhile."""

import tracemalloc
from itertools import islice

import numpy as np
import pytest

from service.scoring.pieces import Piece
from service.scoring.sources import NoSuchSource, list_pieces


def test_a_large_array_is_listed_in_pieces_that_fit_into_memory(tmp_path):
    with (tmp_path / "large.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (100, 4096, 4096)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 100 * 4096 * 4096)

    pieces = list(list_pieces([str(tmp_path / "large.npy")]))

    assert [(piece.start, piece.stop) for piece in pieces] == [
        (start, start + 4) for start in range(0, 100, 4)
    ]


def test_a_list_of_any_length_is_not_held(tmp_path):
    names = tmp_path / "names"
    names.write_text("".join(f"some/where/picture-{number:08}.png\n" for number in range(200_000)))
    pieces = list_pieces([f"@{names}"])
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
    import os

    (tmp_path / "secret").mkdir()
    (tmp_path / "a.png").touch()
    scandir = os.scandir

    def refuses(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    # Who runs the tests may be root, to whom nothing is refused.
    monkeypatch.setattr(os, "scandir", refuses)

    assert list(list_pieces([str(tmp_path)])) == [
        Piece(str(tmp_path / "a.png")),
        Piece(str(tmp_path / "secret")),
    ]


@pytest.mark.parametrize("source", ["nowhere", "*.png", "@nowhere"])
def test_a_source_that_is_not_there_is_an_error(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NoSuchSource):
        list(list_pieces([source]))
