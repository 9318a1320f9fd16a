"""A checkpoint, stopped at moments that a test of the whole command does not hit."""

import pytest

from service.scoring.checkpoint import CannotWrite, Listing, checkpoint_file, open_checkpoint
from service.scoring.contents import Contents
from service.scoring.pieces import Piece
from service.scoring.reading import Tally

REQUEST = {"model": "mlp"}
TASKS = [(Piece("a.png"),), (Piece("b.png"),)]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "all.jsonl"


def test_finished_tasks_are_not_repeated(out):
    with open_checkpoint(out) as checkpoint:
        _begin(checkpoint)
        checkpoint.add(b"a", Tally(accepted=1))

    with open_checkpoint(out) as checkpoint:
        assert _begin(checkpoint).pictures == 2
        assert checkpoint.tally.accepted == 1
        assert list(checkpoint.remaining()) == TASKS[1:]
        checkpoint.add(b"b", Tally(accepted=1))
        checkpoint.finish(_join)

    assert out.read_bytes() == b"ab"
    assert not checkpoint_file(out).exists()


def test_stopped_while_a_table_is_joined_the_old_one_stays(out):
    out.write_bytes(b"old")

    def fails(chunks, file):
        file.write(b"half")
        raise InterruptedError

    with open_checkpoint(out) as checkpoint:
        _begin(checkpoint, overwrite=True)
        checkpoint.add(b"ab", Tally(accepted=2))
        with pytest.raises(InterruptedError):
            checkpoint.finish(fails)

    assert out.read_bytes() == b"old"
    with open_checkpoint(out) as checkpoint:
        _begin(checkpoint)
        checkpoint.finish(_join)
    assert out.read_bytes() == b"ab"
    assert sorted(path.name for path in out.parent.iterdir()) == [".all.jsonl.done", "all.jsonl"]


def test_a_list_that_cannot_be_made_leaves_nothing(out):
    def tasks():
        yield TASKS[0]
        raise LookupError

    with pytest.raises(LookupError), open_checkpoint(out) as checkpoint:
        checkpoint.begin(REQUEST, _listing(tasks()), overwrite=False)

    assert list(out.parent.iterdir()) == []


def test_another_request_is_refused_and_named(out):
    with open_checkpoint(out) as checkpoint:
        _begin(checkpoint)

    with open_checkpoint(out) as checkpoint, pytest.raises(CannotWrite, match="another model"):
        checkpoint.begin({"model": "cnn"}, _listing(TASKS), overwrite=False)


def test_something_else_in_its_place_is_refused(out):
    checkpoint_file(out).write_bytes(b"a list of my own" * 100)

    with pytest.raises(CannotWrite, match="is another file"):
        open_checkpoint(out).__enter__()

    assert checkpoint_file(out).read_bytes() == b"a list of my own" * 100


def test_a_complete_table_needs_nothing_unless_it_or_its_sources_have_changed(out):
    with open_checkpoint(out) as checkpoint:
        _begin(checkpoint)
        checkpoint.finish(_join)

    with open_checkpoint(out) as checkpoint:
        assert _begin(checkpoint) is None
        with pytest.raises(CannotWrite, match="other pictures now"):
            checkpoint.begin(REQUEST, _listing(TASKS[:1]), overwrite=False)
        out.write_bytes(b"edited")
        with pytest.raises(CannotWrite, match="--overwrite"):
            _begin(checkpoint)
    assert out.read_bytes() == b"edited"
    assert not checkpoint_file(out).exists()


def _begin(checkpoint, *, overwrite=False):
    return checkpoint.begin(REQUEST, _listing(TASKS), overwrite=overwrite)


def _join(chunks, file):
    file.writelines(chunks)


def _listing(tasks):
    return Listing(tasks, Contents(10**6), lambda *_: None)
