"""Labelled digits in MNIST's four IDX files."""

import gzip
import hashlib
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]  # [N, 28, 28], white ink (255) on black (0)
Labels = NDArray[np.uint8]  # [N], digits 0 to 9

_UNSIGNED_BYTE = 0x08
_IMAGES_DIMENSIONS = 3
_LABELS_DIMENSIONS = 1


class DataError(Exception):
    """A data file is missing, damaged, or not the expected one."""


@dataclass(frozen=True)
class IdxFile:
    """One of the four files: its canonical name and the MD5 of its uncompressed content."""

    name: str
    md5: str


@dataclass(frozen=True)
class Part:
    """The training or the test set: a file of images and a file of labels."""

    images: IdxFile
    labels: IdxFile


# The MD5 sums of the files published by LeCun, Cortes and Burges.
TRAIN = Part(
    IdxFile("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb"),
    IdxFile("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624"),
)
TEST = Part(
    IdxFile("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea"),
    IdxFile("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637"),
)


@dataclass(frozen=True)
class Digits:
    """Images with their labels."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: slice | NDArray[np.int64]) -> Self:
        return type(self)(self.images[which], self.labels[which])


def load_part(data_dir: Path, part: Part, *, verify: bool = True) -> Digits:
    """Read `part` from `data_dir`: its two files, plain or gzipped, there or in a folder `mnist`.

    With `verify=False` they can be another data set in MNIST's form.

    Raises:
        DataError: a file is missing, truncated, swapped or corrupt; the message names it.
    """
    images, labels = (_find(data_dir, file.name) for file in (part.images, part.labels))
    digits = pair(
        (str(images), read_idx(images, _IMAGES_DIMENSIONS)),
        (str(labels), read_idx(labels, _LABELS_DIMENSIONS)),
    )
    if verify:
        check_md5(part, digits, str(images), str(labels))
    return digits


def write_part(data_dir: Path, part: Part, digits: Digits) -> None:
    """Write `digits` into `data_dir` under the names of `part`.

    Raises:
        OSError: they cannot be written.
    """
    for file, array in ((part.images, digits.images), (part.labels, digits.labels)):
        (data_dir / file.name).write_bytes(_idx_header(array) + array.tobytes())


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, plain or gzipped, into an array.

    The format: two zero bytes, the type (8 for unsigned bytes), the number of dimensions, each
    dimension as a big-endian 32-bit integer, the values (http://yann.lecun.com/exdb/mnist/).

    Raises:
        DataError: the file cannot be read, or is not an IDX file of `dimensions` dimensions.
    """
    content = _read(path)
    header_size = 4 + 4 * dimensions
    if len(content) < header_size or content[:2] != b"\0\0":
        raise DataError(f"{path}: is not an IDX file")
    if content[2] != _UNSIGNED_BYTE or content[3] != dimensions:
        raise DataError(
            f"{path}: has type 0x{content[2]:02x} in {content[3]} dimensions, expected unsigned"
            f" bytes in {dimensions}; are images and labels swapped?"
        )
    shape = tuple(int(size) for size in np.frombuffer(content[4:header_size], dtype=">u4"))
    announced, found = math.prod(shape), len(content) - header_size
    if announced != found:
        raise DataError(
            f"{path}: its header announces {announced:,} bytes of data, it has {found:,};"
            " download it again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header_size).reshape(shape)


def _find(data_dir: Path, name: str) -> Path:
    for folder in (data_dir, data_dir / "mnist"):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise DataError(f"{data_dir}: has neither {name} nor {name}.gz")


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); download it again") from error


def _check_md5(file: IdxFile, source: str, array: NDArray[np.uint8]) -> None:
    md5 = hashlib.md5(_idx_header(array) + array.tobytes(), usedforsecurity=False).hexdigest()
    if md5 != file.md5:
        raise DataError(
            f"{source}: MD5 of the content is {md5}, MNIST's {file.name} has {file.md5};"
            " download it again, or pass --no-verify if these are your own digits"
        )


def _idx_header(array: NDArray[np.uint8]) -> bytes:
    return bytes([0, 0, _UNSIGNED_BYTE, array.ndim]) + np.array(array.shape, ">u4").tobytes()


def check_md5(part: Part, digits: Digits, images_source: str, labels_source: str) -> None:
    """Check that `digits` are those published as `part`.

    Raises:
        DataError: they differ; the message names the source.
    """
    _check_md5(part.images, images_source, digits.images)
    _check_md5(part.labels, labels_source, digits.labels)


def pair(images_from: tuple[str, Images], labels_from: tuple[str, Labels]) -> Digits:
    """Combine images and labels, each with the name of its source.

    Raises:
        DataError: they do not belong together, or are not digits of 28x28 pixels.
    """
    images_source, images = images_from
    labels_source, labels = labels_from
    if len(images) != len(labels):
        raise DataError(
            f"{images_source} has {len(images):,} images,"
            f" {labels_source} {len(labels):,} labels; do they belong together?"
        )
    if images.shape[1:] != (28, 28):
        raise DataError(f"{images_source}: images are {images.shape[1:]}, expected (28, 28)")
    if len(labels) and labels.max() > 9:
        raise DataError(f"{labels_source}: has the label {labels.max()}, expected 0 to 9")
    return Digits(images, labels)
