"""Loading of IDX files."""

import gzip
import hashlib

import numpy as np
import pytest

from models.mnist import DataError, Digits, IdxFile, Part, read_idx
from tests.generated import drawn_digits, drawn_mnist, idx, write_idx
from training import data
from training.data import Mnist, load_mnist


@pytest.fixture
def mnist():
    return drawn_mnist(train=30, test=20)


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_reads_plain_and_gzipped_files_in_the_folder_or_its_mnist(
    tmp_path, mnist, compress, subfolder
):
    write_idx(tmp_path / subfolder, mnist, compress=compress)

    loaded = load_mnist(tmp_path, verify=False)

    np.testing.assert_array_equal(loaded.train.images, mnist.train.images)
    np.testing.assert_array_equal(loaded.test.labels, mnist.test.labels)


def flip_a_byte(content):
    return content[:15] + bytes([content[15] ^ 0xFF]) + content[16:]


@pytest.mark.parametrize(
    ("name", "damage", "compress"),
    [
        ("train-images-idx3-ubyte", lambda content: content[:-20], True),
        ("train-labels-idx1-ubyte", flip_a_byte, True),
        ("train-images-idx3-ubyte: its header announces 23,520", lambda c: c[:-784], False),
    ],
    ids=["truncated", "corrupt", "shorter than its header"],
)
def test_a_damaged_file_is_named(tmp_path, mnist, name, damage, compress):
    suffix = ".gz" if compress else ""
    path = write_idx(tmp_path, mnist, compress=compress) / (name.partition(":")[0] + suffix)
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(DataError, match=name):
        load_mnist(tmp_path, verify=False)


def test_a_missing_file_is_named(tmp_path, mnist):
    write_idx(tmp_path, mnist)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()

    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte"):
        load_mnist(tmp_path, verify=False)


def test_swapped_images_and_labels_are_reported(tmp_path, mnist):
    folder = write_idx(tmp_path, mnist)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(mnist.train.labels)))

    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.*are images and labels swapped"):
        load_mnist(folder, verify=False)


def published_as(part, digits):
    """`part` with the checksums of other digits."""

    def known(file, array):
        return IdxFile(file.name, hashlib.md5(idx(array)).hexdigest())

    return Part(known(part.images, digits.images), known(part.labels, digits.labels))


def test_a_changed_byte_fails_the_checksum(tmp_path, mnist, monkeypatch):
    for name, digits in {"TRAIN": mnist.train, "TEST": mnist.test}.items():
        monkeypatch.setattr(data, name, published_as(getattr(data, name), digits))
    folder = write_idx(tmp_path, mnist, compress=False)
    assert len(load_mnist(folder).train) == 30

    path = folder / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)

    with pytest.raises(DataError, match="t10k-images-idx3-ubyte: MD5"):
        load_mnist(folder)


def test_training_and_test_files_swapped_fail_the_checksum(tmp_path, mnist):
    write_idx(tmp_path, Mnist(train=mnist.test, test=mnist.train))

    with pytest.raises(DataError, match="MD5"):
        load_mnist(tmp_path)


def test_different_numbers_of_images_and_labels_are_reported(tmp_path, mnist):
    write_idx(tmp_path, Mnist(train=mnist.train, test=mnist.test))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(mnist.train.labels)))

    with pytest.raises(DataError, match=r"20 images.*30 labels"):
        load_mnist(tmp_path, verify=False)


def test_a_label_past_nine_is_reported(tmp_path, mnist):
    mnist.train.labels[3] = 12
    write_idx(tmp_path, mnist)

    with pytest.raises(DataError, match="label 12"):
        load_mnist(tmp_path, verify=False)


def test_a_text_file_is_no_idx_file(tmp_path):
    path = tmp_path / "notes"
    path.write_text("not an IDX file at all")

    with pytest.raises(DataError, match="notes: is not an IDX file"):
        read_idx(path, dimensions=3)


def test_a_download_that_fails_says_what_to_do(monkeypatch):
    keras = pytest.importorskip("keras")

    def unreachable():
        raise OSError("no route to host")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", unreachable)
    with pytest.raises(DataError, match=r"no route to host.*--data-dir or set NUMERAL_DATA"):
        load_mnist()


def test_the_held_out_images_are_the_last_sixth_and_no_training_image():
    digits = drawn_digits(60, seed=3)
    train, held_out = Mnist(train=digits, test=digits).hold_out()

    assert len(train) == 50
    np.testing.assert_array_equal(held_out.images, digits.images[50:])


def test_strips_are_composed_without_images_whose_label_is_wrong():
    numbered = Digits(np.zeros((60_000, 1, 1), np.uint8), np.arange(60_000))
    fitted, held_out = Mnist(train=numbered, test=numbered).well_labelled()

    assert {2148, 46857}.isdisjoint(fitted.labels)
    assert {50340, 59915}.isdisjoint(held_out.labels)
    assert (fitted.labels < 50_000).all()
    assert (held_out.labels >= 50_000).all()
    assert len(fitted) + len(held_out) == 60_000 - 34


def test_a_small_set_keeps_all_images():
    digits = drawn_digits(60, seed=3)
    fitted, held_out = Mnist(train=digits, test=digits).well_labelled()

    assert (len(fitted), len(held_out)) == (50, 10)
