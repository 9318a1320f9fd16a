"""What is listed is what is read: nothing is lost or doubled through tasks and a plan."""

from io import BytesIO

from hypothesis import given
from hypothesis import strategies as some

from service.scoring.pieces import Piece, pictures_of, tasks_of
from service.scoring.plan import places, task_at, write_plan

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
def test_tasks_hold_all_pictures_in_order_and_none_too_many(pieces, most):
    tasks = list(tasks_of(pieces, most))

    assert _pictures(piece for task in tasks for piece in task) == _pictures(pieces)
    assert all(pictures_of(task) == most for task in tasks[:-1])
    assert all(0 < pictures_of(task) <= most for task in tasks)


@given(_pieces, some.integers(0, 5))
def test_a_plan_gives_the_tasks_back_whatever_the_names(tmp_path_factory, pieces, after):
    tasks = list(tasks_of(pieces, 7))
    heard = []
    file = BytesIO()

    count = write_plan(file, tasks, heard.append)

    plan = tmp_path_factory.getbasetemp() / "plan"
    plan.write_bytes(file.getvalue())
    assert [task_at(file, place) for place in places(plan, after)] == tasks[after:]
    assert count == sum(map(pictures_of, tasks)) == (heard[-1] if heard else 0)


def _pictures(pieces):
    return [(piece.source, number) for piece in pieces for number in range(piece.start, piece.stop)]
