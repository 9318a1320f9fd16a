"""Feedback as a data set: each picture once, always in the same set, in MNIST's format."""

import json

import numpy as np
import pytest

from models.mnist import TEST, TRAIN, load_part
from tests.feedback.rows import row
from tests.generated import drawn_digits

pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")

from service.feedback.export import dataset_of, write_dataset


def answered(image, answer, **values):
    return row(image=image.tobytes(), answer=answer, answered=1.0, **values)


@pytest.fixture(scope="module")
def images():
    digits = drawn_digits(300, seed=5).images
    return list({image.tobytes(): image for image in digits}.values())


def test_it_is_read_as_mnist_is(images, tmp_path):
    answers = {image.tobytes(): number % 10 for number, image in enumerate(images)}
    rows = [answered(image, str(answers[image.tobytes()])) for image in images]

    write_dataset(dataset_of(rows), tmp_path / "new")

    parts = [load_part(tmp_path / "new", part, verify=False) for part in (TRAIN, TEST)]
    for part in parts:
        assert [answers[image.tobytes()] for image in part.images] == part.labels.tolist()
    train, test = map(len, parts)
    assert train + test == len(images)
    assert 0 < test < train / 4
    described = json.loads((tmp_path / "new" / "feedback.json").read_text())
    assert [each["label"] for each in described["t10k"]] == parts[1].labels.tolist()


def test_a_picture_stays_in_its_part_when_more_are_added(images):
    rows = [answered(image, "1") for image in images]

    before, after = dataset_of(rows[:100]), dataset_of(rows[::-1])

    assert {each.key for each in before.test} <= {each.key for each in after.test}
    assert {each.key for each in before.train} <= {each.key for each in after.train}


def test_a_picture_is_in_it_once_with_the_last_answer(images):
    dataset = dataset_of([answered(images[0], "1"), answered(images[0], "2")])

    [only] = [*dataset.train, *dataset.test]
    assert only.label == 2
    assert dataset.left_out["seen before"] == 1


def test_where_no_digit_is_there_is_nothing_to_learn(images):
    dataset = dataset_of([answered(images[0], None), answered(np.zeros((28, 28), np.uint8), "3")])

    assert not dataset.train
    assert not dataset.test
    assert dataset.left_out["no digit"] == 2
