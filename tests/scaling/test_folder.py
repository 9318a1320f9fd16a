"""The folder of the results: whose files are removed, and what cannot be written to."""

import pytest

pytest.importorskip("fsspec")
pytest.importorskip("pyarrow")

from service.scoring.parts import CannotWrite
from service.scoring.pieces import Piece
from service.scoring.ray.begin import begun, run_in
from service.scoring.ray.folder import Folder
from service.scoring.ray.stores import Stores


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def folder(out):
    return Folder(str(out), Stores())


def test_tables_that_are_named_by_numbers_but_of_no_run_are_left(folder, out):
    out.mkdir()
    (out / "20261121.parquet").write_bytes(b"the day's own")

    for overwrite in (False, True):
        with pytest.raises(CannotWrite, match=r"holds 20261121\.parquet"):
            run_in(folder, {}, overwrite=overwrite)


def test_a_run_that_has_begun_or_ended_can_be_begun_anew(folder, out):
    run = _begun(folder)
    folder.put(0, b"rows")
    assert run_in(folder, {}, overwrite=True) is None
    folder.finish(run)
    assert run_in(folder, {}, overwrite=True) is None

    _begun(folder)

    assert sorted(path.name for path in out.iterdir()) == ["_numeral"]
    assert run_in(folder, {}, overwrite=False) == run


def test_what_is_left_where_the_removal_broke_off_is_still_ours(folder, monkeypatch):
    run = _begun(folder)
    folder.put(0, b"rows")
    folder.finish(run)

    def break_off(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "done", lambda: map(break_off, [0]))
    with pytest.raises(KeyboardInterrupt):
        folder.clear()

    assert (folder.finished(), folder.run(), folder.others()) == (None, None, [])


def test_a_file_cannot_be_the_folder(folder, out):
    out.write_bytes(b"")

    with pytest.raises(CannotWrite, match="cannot be used"):
        run_in(folder, {}, overwrite=False)


def _begun(folder):
    pieces = [Piece("digits.npy", 0, 10)]
    return begun(folder, {}, pieces, lambda _: None, task_size=512, workers=1)
