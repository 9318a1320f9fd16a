"""A worker alone, without Ray: what it does to a task, and what it refuses to work with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fsspec")
pytest.importorskip("pyarrow")

from models.manifest import PACKAGE_DIRECTORY
from service.inference.catalogue import load_catalogue
from service.inference.digits import DigitOptions, Preprocess
from service.scoring.digits import Digits
from service.scoring.formats import choose_format
from service.scoring.pieces import Piece
from service.scoring.ray.actor import CannotWork, Worker, ordered
from service.scoring.ray.begin import begun
from service.scoring.ray.folder import Folder
from service.scoring.ray.stores import Stores
from service.scoring.scorer import Job
from tests.generated import drawn_digits

TASK = {"number": 0, "place": 0}


@pytest.fixture
def order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("digits.npy", drawn_digits(10, seed=3).images)
    pipeline = load_catalogue(PACKAGE_DIRECTORY).digits(
        DigitOptions("mlp"), max_error=0.001, max_pixels=10**7
    )
    card = pipeline.classifier.card
    what = Digits(PACKAGE_DIRECTORY, card, pipeline.criteria, Preprocess.NONE, 10**7)
    job = Job(what, choose_format(Path("any.parquet")), max_bytes=10**6)
    pieces = [Piece("digits.npy", 0, 10)]
    begun(Folder("out", Stores()), {}, pieces, lambda _: None, task_size=512, workers=1)
    return ordered(job, "out", None, addresses_only=False)


def test_a_task_that_is_done_twice_has_one_file_with_the_same_rows(order):
    file = Path("out") / "00000000.parquet"
    first = Worker(order)(TASK)
    rows = file.read_bytes()
    again = Worker(order)(TASK)
    file.unlink()
    anew = Worker(order)(TASK)

    assert first == again == anew
    assert file.read_bytes() == rows
    assert sorted(path.name for path in Path("out").iterdir()) == [file.name, "_numeral"]


def test_a_file_that_was_cut_off_is_made_again(order):
    file = Path("out") / "00000000.parquet"
    first = Worker(order)(TASK)
    rows = file.read_bytes()
    file.write_bytes(rows[:100])

    assert Worker(order)(TASK) == first
    assert file.read_bytes() == rows


def test_a_file_with_other_pictures_is_made_again(order):
    from pyarrow import parquet

    file = Path("out") / "00000000.parquet"
    first = Worker(order)(TASK)
    rows = file.read_bytes()
    parquet.write_table(parquet.read_table(file).slice(1), file)

    assert Worker(order)(TASK) == first
    assert file.read_bytes() == rows


def test_a_node_without_the_models_has_them_from_the_order(order):
    nowhere = replace(order.job, what=replace(order.job.what, directory=Path("/nowhere")))

    assert Worker(replace(order, job=nowhere))(TASK) == Worker(order)(TASK)


def test_a_node_that_does_not_share_the_folders_is_refused(order):
    with pytest.raises(CannotWork, match="share it"):
        Worker(replace(order, workplace="/no/such/folder"))


def test_a_node_with_another_numeral_is_refused(order):
    with pytest.raises(CannotWork, match="install the same"):
        Worker(replace(order, version="0.0.1"))
