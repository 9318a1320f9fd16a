"""`numeral export-feedback`: what it writes, and what it says otherwise."""

import pytest

from models.mnist import TEST, TRAIN, load_part
from tests.cli.running import numeral
from tests.feedback.rows import row
from tests.generated import drawn_digits

pytest.importorskip("sqlalchemy", reason="needs the extra 'feedback'")

from service.feedback.records import Kind, PredictionQuery
from service.feedback.store import Store


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/feedback.db"


@pytest.fixture
def store(url):
    store = Store(url)
    yield store
    store.close()


def test_it_writes_what_was_answered_and_tells_how_much(store, url, tmp_path):
    digits = drawn_digits(30, seed=3)
    rows = [row(request_id=f"r{place}", image=each.tobytes()) for place, each in
            enumerate(digits.images)]  # fmt: skip
    store.add([*rows, row(request_id="unanswered", image=bytes(784))])
    for place, label in enumerate(digits.labels):
        store.answer(PredictionQuery(f"r{place}"), Kind.DIGIT, str(label), None)

    done = _export(url, tmp_path / "mine")

    train, test = (load_part(tmp_path / "mine", part, verify=False) for part in (TRAIN, TEST))
    assert done.returncode == 0
    assert f"digits to train on: {len(train)}, to test with: {len(test)}" in done.stdout
    assert len(train) + len(test) == len({each.tobytes() for each in digits.images})


def test_exporting_again_writes_the_same(store, url, tmp_path):
    store.add([row(image=drawn_digits(1, seed=3).images[0].tobytes())])
    store.answer(PredictionQuery("mine"), Kind.DIGIT, "0", None)

    for folder in ("first", "second"):
        assert _export(url, tmp_path / folder).returncode == 0

    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for folder in ("first", "second")
    )
    assert first == second


def test_where_nothing_can_be_learnt_it_says_why(store, url, tmp_path):
    store.add([row()])
    store.answer(PredictionQuery("mine"), Kind.DIGIT, "1", None)

    done = _export(url, tmp_path / "mine")

    assert done.returncode == 1
    assert "NUMERAL_FEEDBACK_IMAGES" in done.stderr
    assert not (tmp_path / "mine").exists()


def test_a_database_that_is_not_there_is_not_made(url, tmp_path):
    done = _export(url, tmp_path / "mine")

    assert done.returncode == 3
    assert "there is no such file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_unless_another_is_named_it_takes_the_database_of_serve_feedback(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMERAL_FEEDBACK_DATABASE", raising=False)
    store = Store(f"sqlite:///{tmp_path}/numeral-feedback.db")
    store.add([row(image=drawn_digits(1, seed=3).images[0].tobytes())])
    store.answer(PredictionQuery("mine"), Kind.DIGIT, "0", None)
    store.close()

    done = numeral("export-feedback", "--out", "mine", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine" / "feedback.json").is_file()


def test_where_there_is_no_database_it_says_how_to_name_one(tmp_path):
    done = numeral("export-feedback", "--out", "mine", folder=tmp_path)

    assert done.returncode == 3
    assert "--feedback-database" in done.stderr


def _export(url, folder):
    return numeral("export-feedback", "--out", str(folder), "--feedback-database", url)
