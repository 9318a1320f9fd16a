"""Digits with the right answers of people, as a data set in MNIST's format."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import RowMapping

from models.mnist import TEST, TRAIN, Digits, write_part
from service.feedback.store import pixels_of

# About a tenth of the 256 values of the first byte: the same picture is always in the same set.
_TEST_HASHES = 26

_COLUMNS = ("read", "model", "version", "confidence", "decision", "request_id", "place", "answered")


class LabelledDigit(NamedTuple):
    """A picture and its right answer; `key` is the SHA-256 of its pixels."""

    key: str
    label: int
    row: RowMapping


@dataclass(frozen=True)
class Dataset:
    """Labelled digits to train on and to test with, in the order of their keys."""

    train: list[LabelledDigit]
    test: list[LabelledDigit]
    left_out: dict[str, int]  # number of rows that are in neither, by reason


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
        digits[key] = LabelledDigit(key, int(row["answer"]), row)
    dataset = Dataset([], [], left_out)
    for key in sorted(digits):
        chosen = dataset.test if int(key[:2], 16) < _TEST_HASHES else dataset.train
        chosen.append(digits[key])
    return dataset


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write `dataset` to `folder`: MNIST's four files, and the origin of each digit.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    origins: dict[str, object] = {"left_out": dataset.left_out}
    parts = (("train", TRAIN, dataset.train), ("t10k", TEST, dataset.test))
    for name, part, digits in parts:
        images = np.array([pixels_of(digit.row["image"]) for digit in digits], np.uint8)
        labels = np.array([digit.label for digit in digits], np.uint8)
        write_part(folder, part, Digits(images.reshape(-1, 28, 28), labels))
        origins[name] = [
            {
                "sha256": digit.key,
                "label": digit.label,
                **{column: digit.row[column] for column in _COLUMNS},
            }
            for digit in digits
        ]
    (folder / "feedback.json").write_text(json.dumps(origins, indent=1) + "\n", "utf-8")
