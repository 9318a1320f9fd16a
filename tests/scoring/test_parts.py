"""Parts of a table, stopped at the moments that a test of the whole command does not hit."""

import pytest

from service.scoring.formats import JsonLines
from service.scoring.parts import CannotWrite, folder_of, opened_parts
from service.scoring.pieces import Piece
from service.scoring.plan import places
from service.scoring.scorer import Scored
from service.scoring.tally import Tally

ASKED = {"model": "mlp"}
TASKS = [(Piece("a.png"),), (Piece("b.png"),)]


def test_stopped_once_the_table_is_there_it_is_made_again_and_is_the_same(tmp_path, monkeypatch):
    out = tmp_path / "all.jsonl"
    with opened_parts(out) as parts:
        _begin(parts)
        _keep(parts, b"a", b"b")
        monkeypatch.setattr(parts._files, "clear", _stopped)
        with pytest.raises(InterruptedError):
            parts.join((), JsonLines())
    assert out.read_bytes() == b"ab"

    with opened_parts(out) as parts:
        assert _begin(parts) == 2
        assert (parts.done, parts.tally.accepted) == (2, 2)
        assert list(places(parts.plan, parts.done)) == []
        parts.join((), JsonLines())

    assert out.read_bytes() == b"ab"
    assert not folder_of(out).exists()


def test_stopped_while_a_table_is_joined_the_old_one_stays(tmp_path):
    out = tmp_path / "all.jsonl"
    out.write_bytes(b"old")

    class FullDisk(JsonLines):
        def join(self, columns, parts, file):
            file.write(b"half")
            raise InterruptedError

    with opened_parts(out) as parts:
        _begin(parts, overwrite=True)
        _keep(parts, b"a", b"b")
        with pytest.raises(InterruptedError):
            parts.join((), FullDisk())

    assert out.read_bytes() == b"old"
    with opened_parts(out) as parts:
        _begin(parts)
        parts.join((), JsonLines())
    assert out.read_bytes() == b"ab"


def test_a_list_that_cannot_be_made_leaves_nothing(tmp_path):
    def tasks():
        yield TASKS[0]
        raise LookupError

    with opened_parts(tmp_path / "all.jsonl") as parts, pytest.raises(LookupError):
        parts.begin(ASKED, tasks(), print, overwrite=False)

    assert list(tmp_path.iterdir()) == []


def test_without_its_list_a_run_begins_anew(tmp_path):
    out = tmp_path / "all.jsonl"
    with opened_parts(out) as parts:
        _begin(parts)
        _keep(parts, b"a")
    (folder_of(out) / "list").unlink()

    with opened_parts(out) as parts:
        _begin(parts)
        assert parts.done == 0


def test_what_differs_is_named(tmp_path):
    out = tmp_path / "all.jsonl"
    with opened_parts(out) as parts:
        _begin(parts)

    with opened_parts(out) as parts, pytest.raises(CannotWrite, match="another model"):
        parts.begin({"model": "cnn"}, TASKS, print, overwrite=False)


def _begin(parts, *, overwrite=False):
    return parts.begin(ASKED, TASKS, lambda _: None, overwrite=overwrite)


def _keep(parts, *rows):
    for each in rows:
        parts.keep(Scored(each, Tally(accepted=1)))


def _stopped():
    raise InterruptedError
