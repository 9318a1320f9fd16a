"""A job's scorer alone: what another engine would call, with nothing around it."""

import pickle

import numpy as np
import pytest

from models.manifest import PACKAGE_DIRECTORY
from service.imaging import decode
from service.inference.catalogue import load_catalogue
from service.inference.digits import DigitOptions, DigitPipeline, Preprocess
from service.scoring.digits import Digits
from service.scoring.formats import JsonLines
from service.scoring.pieces import Piece, tasks_of
from service.scoring.scorer import Job, Scorer
from service.scoring.sources import list_pieces


@pytest.fixture(scope="module")
def job():
    catalogue = load_catalogue(PACKAGE_DIRECTORY)
    pipeline = catalogue.digits(DigitOptions("mlp"), max_error=0.001, max_pixels=10**7)
    what = Digits(
        PACKAGE_DIRECTORY, pipeline.classifier.card, pipeline.criteria, Preprocess.AUTO, 10**7
    )
    return Job(what, JsonLines(), max_bytes=10**6)


def test_sources_become_rows_in_another_process_as_here(tmp_path, draw, job):
    for digit in range(3):
        (tmp_path / f"{digit}.png").write_bytes(draw(digit))
    tasks = tasks_of(list_pieces([str(tmp_path)]), job.what.task_size)

    # As it travels to another process or machine.
    scorer = Scorer(pickle.loads(pickle.dumps(job)))
    [rows] = [list(scorer.rows(task)) for task in tasks]

    assert [row["source"].removeprefix(f"{tmp_path}/") for row in rows] == [
        "0.png",
        "1.png",
        "2.png",
    ]
    assert [row["version"] for row in rows] == [job.what.card.version] * 3


def test_an_archive_that_has_changed_since_it_was_listed_still_has_its_rows(tmp_path, job):
    from zipfile import ZipFile

    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.png", b"no picture")

    rows = list(Scorer(job).rows((Piece(str(tmp_path / "a.zip"), 0, 3),)))

    assert [row["error"] for row in rows] == ["unsupported-format"] + ["unreadable-archive"] * 2


def test_a_fault_of_the_program_is_a_row_too(tmp_path, draw, job, monkeypatch):
    (tmp_path / "1.png").write_bytes(draw(1))
    (tmp_path / "2.png").write_bytes(draw(2))
    marked = decode(draw(1), max_pixels=10**7)

    def fails_at_one(self, picture):
        if np.array_equal(picture, marked):
            raise ZeroDivisionError("by chance")
        return Pipeline_normalise(self, picture)

    Pipeline_normalise = DigitPipeline.normalise  # noqa: N806
    monkeypatch.setattr(DigitPipeline, "normalise", fails_at_one)

    rows = list(Scorer(job).rows(tuple(list_pieces([str(tmp_path)]))))

    assert [row["error"] for row in rows] == ["internal-error", None]
    assert "by chance" in rows[0]["detail"]


def test_an_array_of_columns_first_is_read_as_one_of_rows(tmp_path, job):
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 30), np.uint8)
    np.save(tmp_path / "rows.npy", images)
    np.save(tmp_path / "columns.npy", np.asfortranarray(images))
    scorer = Scorer(job)

    one, other = (
        [row["probabilities"].tolist() for row in scorer.rows((Piece(str(path), 0, 5),))]
        for path in (tmp_path / "rows.npy", tmp_path / "columns.npy")
    )

    assert one == other
