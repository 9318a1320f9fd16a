"""A scorer alone, as a worker process or Ray calls it."""

import pickle
from zipfile import ZipFile

import numpy as np
import pytest

from models.manifest import PACKAGE_DIRECTORY
from service.imaging import decode
from service.inference.catalogue import load_catalogue
from service.inference.digits import DigitOptions, DigitPipeline
from service.scoring.contents import Contents
from service.scoring.pieces import Piece
from service.scoring.reading import Method, Scorer
from service.scoring.sources import list_pieces, tasks_of


@pytest.fixture(scope="module")
def method():
    catalogue = load_catalogue(PACKAGE_DIRECTORY)
    pipeline = catalogue.digits(DigitOptions("mlp"), max_error=0.001, max_pixels=10**7)
    return Method.of(pipeline, PACKAGE_DIRECTORY)


@pytest.fixture
def scorer(method):
    # As it travels to another process or machine.
    return Scorer(pickle.loads(pickle.dumps(method)))


def test_sources_become_rows(tmp_path, draw, method, scorer):
    for digit in range(3):
        (tmp_path / f"{digit}.png").write_bytes(draw(digit))

    [task] = tasks_of(_listed(tmp_path), method.task_size)
    rows = _rows(scorer, *task)

    names = [row["source"].removeprefix(f"{tmp_path}/") for row in rows]
    assert names == ["0.png", "1.png", "2.png"]
    assert [row["version"] for row in rows] == [method.card.version] * 3


def test_an_archive_that_has_changed_since_it_was_listed_still_has_its_rows(tmp_path, scorer):
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.png", b"no picture")

    rows = _rows(scorer, Piece(str(tmp_path / "a.zip"), 0, 3))

    assert [row["error"] for row in rows] == ["unsupported-format"] + ["unreadable-archive"] * 2


def test_a_bug_is_a_row_too(tmp_path, draw, scorer, monkeypatch):
    (tmp_path / "1.png").write_bytes(draw(1))
    (tmp_path / "2.png").write_bytes(draw(2))
    one = decode(draw(1), max_pixels=10**7)
    normalise = DigitPipeline.normalise

    def fails_at_one(self, picture):
        if np.array_equal(picture, one):
            raise ZeroDivisionError("by chance")
        return normalise(self, picture)

    monkeypatch.setattr(DigitPipeline, "normalise", fails_at_one)

    rows = _rows(scorer, *_listed(tmp_path))

    assert [row["error"] for row in rows] == ["internal-error", None]
    assert "by chance" in rows[0]["detail"]


def test_an_array_in_column_order_is_read_as_one_in_row_order(tmp_path, scorer):
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 30), np.uint8)
    np.save(tmp_path / "rows.npy", images)
    np.save(tmp_path / "columns.npy", np.asfortranarray(images))

    one, other = (
        [row["probabilities"].tolist() for row in _rows(scorer, Piece(str(path), 0, 5))]
        for path in (tmp_path / "rows.npy", tmp_path / "columns.npy")
    )

    assert one == other


def _listed(folder):
    return list_pieces([str(folder)], Contents(10**6))


def _rows(scorer, *pieces):
    contents = Contents(max_bytes=10**6)
    return list(scorer.rows(contents.of(pieces)))
