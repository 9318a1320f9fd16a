"""Digits with the right answers that people gave, as a data set in MNIST's form."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import RowMapping

from models.mnist import TEST, TRAIN, Digits, Part, write_part
from service.feedback.store import pixels_of

METADATA = "feedback.json"

# Of 256 hashes so many go to the test set, about a tenth; the same picture always to the same set.
_TEST_HASHES = 26

_TOLD = ("read", "model", "version", "confidence", "decision", "request_id", "place", "answered")


class _Labelled(NamedTuple):
    key: str
    image: bytes
    label: int
    row: RowMapping


@dataclass(frozen=True)
class Dataset:
    """Pictures and labels, parted into those to train on and those to test with.

    Attributes:
        train, test: in the order of the SHA-256 of their pixels.
        left_out: how many rows are not in it, by the reason.
    """

    train: Sequence[_Labelled]
    test: Sequence[_Labelled]
    left_out: dict[str, int]


def dataset_of(rows: Iterable[RowMapping]) -> Dataset:
    """The data set of `rows` with picture and answer, in the order in which they were answered.

    Each picture is in it once, with the answer that was given last. Where no digit is to be seen,
    in the picture or says the answer, there is nothing to learn.
    """
    left_out = {"no digit": 0, "seen before": 0}
    kept: dict[str, _Labelled] = {}
    for row in rows:
        image = row["image"]
        if row["answer"] is None or len(set(image)) == 1:
            left_out["no digit"] += 1
            continue
        key = hashlib.sha256(image).hexdigest()
        left_out["seen before"] += key in kept
        kept[key] = _Labelled(key, image, int(row["answer"]), row)
    ordered = [kept[key] for key in sorted(kept)]
    return Dataset(
        [each for each in ordered if not _is_for_test(each)],
        [each for each in ordered if _is_for_test(each)],
        left_out,
    )


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write `dataset` into `folder`: MNIST's four files, and where each digit comes from.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[tuple[Part, Sequence[_Labelled]]] = [(TRAIN, dataset.train), (TEST, dataset.test)]
    for part, digits in parts:
        write_part(folder, part, _digits(digits))
    described = {
        "left_out": dataset.left_out,
        "train": list(map(_origin, dataset.train)),
        "t10k": list(map(_origin, dataset.test)),
    }
    (folder / METADATA).write_text(json.dumps(described, indent=1) + "\n", "utf-8")


def _is_for_test(digit: _Labelled) -> bool:
    return int(digit.key[:2], 16) < _TEST_HASHES


def _digits(labelled: Sequence[_Labelled]) -> Digits:
    images = [pixels_of(each.image) for each in labelled]
    return Digits(
        np.array(images, np.uint8).reshape(-1, 28, 28),
        np.array([each.label for each in labelled], np.uint8),
    )


def _origin(digit: _Labelled) -> dict[str, Any]:
    return {"sha256": digit.key, "label": digit.label} | {name: digit.row[name] for name in _TOLD}
