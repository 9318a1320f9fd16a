"""Tests find MNIST wherever it is, and say where they looked if it is nowhere."""

import numpy as np
import pytest

from models import mnist
from models.mnist import TEST, Digits, write_part
from tests import mnist as finder
from tests.generated import drawn_digits

OWN = drawn_digits(20, seed=1)


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMERAL_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(finder, "_SHARED", tmp_path / "shared")
    # The drawn digits stand for MNIST's.
    monkeypatch.setattr(mnist, "_check_md5", lambda *_: None)


def stored(folder) -> None:
    folder.mkdir(parents=True)
    write_part(folder, TEST, OWN)


def found(digits: Digits) -> bool:
    return np.array_equal(digits.images, OWN.images)


def test_numeral_data_comes_first(tmp_path, monkeypatch):
    stored(tmp_path / "configured")
    monkeypatch.setenv("NUMERAL_DATA", str(tmp_path / "configured"))
    assert found(finder.find_mnist())


def test_shared_data_needs_no_configuration(tmp_path):
    stored(tmp_path / "shared" / "mnist")
    assert found(finder.find_mnist())


def test_a_download_is_found(tmp_path):
    folder = tmp_path / "keras" / "datasets"
    folder.mkdir(parents=True)
    np.savez(folder / "mnist.npz", x_test=OWN.images, y_test=OWN.labels)
    assert found(finder.find_mnist())


def test_a_skipped_test_says_where_it_looked(tmp_path):
    with pytest.raises(pytest.skip.Exception) as skipped:
        finder.find_mnist()

    reason = str(skipped.value)
    assert "NUMERAL_DATA is not set" in reason
    assert f"{tmp_path / 'shared'}: has neither t10k-images-idx3-ubyte nor" in reason
    assert f"{tmp_path / 'keras' / 'datasets' / 'mnist.npz'}: does not exist" in reason


def test_a_configured_folder_without_mnist_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMERAL_DATA", str(tmp_path / "empty"))

    with pytest.raises(pytest.skip.Exception, match="empty: has neither") as skipped:
        finder.find_mnist()

    assert "is not set" not in str(skipped.value)
