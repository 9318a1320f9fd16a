"""Digits with the right answers of people, as a data set in MNIST's format."""

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

# About a tenth of the 256 values of the first byte: the same picture is always in the same set.
_TEST_HASHES = 26

_ORIGIN = ("read", "model", "version", "confidence", "decision", "request_id", "place", "answered")


class LabelledDigit(NamedTuple):
    """A picture and its right answer; `key` is the SHA-256 of its pixels."""

    key: str
    image: bytes
    label: int
    row: RowMapping

    @property
    def is_for_test(self) -> bool:
        """Whether it belongs to the test set."""
        return int(self.key[:2], 16) < _TEST_HASHES


@dataclass(frozen=True)
class Dataset:
    """Labelled digits, in the order of their keys.

    Attributes:
        train, test: digits to train on and to test with.
        left_out: number of rows that are in neither, by reason.
    """

    train: Sequence[LabelledDigit]
    test: Sequence[LabelledDigit]
    left_out: dict[str, int]


def dataset_of(rows: Iterable[RowMapping]) -> Dataset:
    """Return the data set of `rows` with picture and answer, in the order of the answers.

    Each picture appears once, with its last answer. Pictures without a digit are left out, whether
    the picture or the answer shows it.
    """
    left_out = {"no digit": 0, "seen before": 0}
    digits: dict[str, LabelledDigit] = {}
    for row in rows:
        image = row["image"]
        if row["answer"] is None or len(set(image)) == 1:
            left_out["no digit"] += 1
            continue
        key = hashlib.sha256(image).hexdigest()
        left_out["seen before"] += key in digits
        digits[key] = LabelledDigit(key, image, int(row["answer"]), row)
    ordered = [digits[key] for key in sorted(digits)]
    return Dataset(
        [digit for digit in ordered if not digit.is_for_test],
        [digit for digit in ordered if digit.is_for_test],
        left_out,
    )


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write `dataset` to `folder`: MNIST's four files, and the origin of each digit.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sets: list[tuple[Part, Sequence[LabelledDigit]]] = [
        (TRAIN, dataset.train),
        (TEST, dataset.test),
    ]
    for part, digits in sets:
        images = np.array([pixels_of(each.image) for each in digits], np.uint8)
        labels = np.array([each.label for each in digits], np.uint8)
        write_part(folder, part, Digits(images.reshape(-1, 28, 28), labels))
    metadata = {
        "left_out": dataset.left_out,
        "train": list(map(_origin, dataset.train)),
        "t10k": list(map(_origin, dataset.test)),
    }
    (folder / METADATA).write_text(json.dumps(metadata, indent=1) + "\n", "utf-8")


def _origin(digit: LabelledDigit) -> dict[str, Any]:
    return {"sha256": digit.key, "label": digit.label} | {name: digit.row[name] for name in _ORIGIN}
