"""Additional training digits: never held out, and part of the name of the run."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")

from models.mnist import TRAIN, DataError, Digits, load_part, write_part
from tests.generated import drawn_digits, drawn_mnist, write_idx
from training.data import Mnist, load_mnist
from training.recipes import BASELINE
from training.runs import Run
from training.train import Task


def test_additional_digits_are_trained_on_and_not_held_out(tmp_path):
    mnist, own = drawn_mnist(), drawn_digits(7, seed=9)

    train, held_out = Task("mlp", BASELINE, limit=50, also=own).digits(mnist)

    assert len(train) == 57
    np.testing.assert_array_equal(train.images[50:], own.images)
    np.testing.assert_array_equal(train.labels[50:], own.labels)
    np.testing.assert_array_equal(held_out.images, mnist.hold_out()[1].images)


def test_other_additional_digits_are_another_run(tmp_path):
    mnist = drawn_mnist()
    tasks = [
        Task("mlp", BASELINE, also=also)
        for also in (None, drawn_digits(7, seed=9), drawn_digits(7, seed=10))
    ]

    runs = [task.run(mnist, tmp_path) for task in tasks]

    assert len({run.folder for run, _ in runs}) == 3
    for run, config in runs:
        run.prepare(config)
        assert Run(run.folder).config() == config


def test_written_digits_are_read_again(tmp_path):
    own = drawn_digits(7, seed=9)

    write_part(tmp_path, TRAIN, own)

    again = load_part(tmp_path, TRAIN, verify=False)
    np.testing.assert_array_equal(again.images, own.images)
    np.testing.assert_array_equal(again.labels, own.labels)


@pytest.mark.parametrize(("train", "test"), [(9, 5), (100, 0)])
def test_too_few_digits_suggest_also(tmp_path, train, test):
    nothing = Digits(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8))
    few = Mnist(drawn_digits(train, seed=1), drawn_digits(test, seed=2) if test else nothing)

    with pytest.raises(DataError, match="--also"):
        load_mnist(write_idx(tmp_path, few), verify=False)
