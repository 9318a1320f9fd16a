"""Folds by writer."""

import gzip

import numpy as np
import pytest

from models.mnist import DataError
from tests.generated import drawn_digits
from training.folds import WRITERS, Fold, load_writers


def test_every_image_is_held_out_once_and_no_writer_is_on_both_sides():
    writers = np.random.default_rng(1).integers(100, 150, 2_000)

    held_out = []
    for number in (1, 2, 3):
        learnt, left = Fold(number, 3).split(writers)
        assert not set(writers[learnt]) & set(writers[left])
        np.testing.assert_array_equal(np.sort(np.r_[learnt, left]), np.arange(2_000))
        held_out.append(left)

    np.testing.assert_array_equal(np.sort(np.concatenate(held_out)), np.arange(2_000))


@pytest.mark.parametrize("text", ["1", "0/4", "5/4", "1/1", "a/4", "1/4/2"])
def test_what_is_no_fold_is_named(text):
    with pytest.raises(ValueError, match=f"'{text}' is no fold"):
        Fold.parse(text)


def test_writers_are_read_for_their_own_images_only(tmp_path):
    digits = drawn_digits(20, seed=1)
    path = tmp_path / WRITERS
    with pytest.raises(DataError, match="cannot be read"):
        load_writers(tmp_path, digits)
    path.parent.mkdir()
    rows = [f"{label}\t0\t{900 + row}\t0\t0\t0\t0\t0\n" for row, label in enumerate(digits.labels)]
    path.write_bytes(gzip.compress("".join(rows).encode()))

    np.testing.assert_array_equal(load_writers(tmp_path, digits), np.arange(900, 920))
    with pytest.raises(DataError, match="not those of these training images"):
        load_writers(tmp_path, drawn_digits(20, seed=1)[::-1])
