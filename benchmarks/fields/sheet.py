"""A picture of the worst mistakes on real strips, which are not ours to publish."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.fields.results import Mistake, SetResult
from benchmarks.fields.sets import FieldSet
from models.strips import Grey

_HEIGHT, _WIDTH, _TEXT = 64, 420, 560


def write(path: Path, sets: Sequence[FieldSet], results: Sequence[SetResult]) -> None:
    """Draw the mistakes of real `sets` on a PNG, each with its label and what was read."""
    rows = [
        _row(picture, mistake)
        for one, result in zip(sets, results, strict=True)
        for mistake in result.mistakes
        if isinstance(picture := one.strips[one.names.index(mistake.name)], np.ndarray)
    ]
    cv2.imwrite(str(path), np.vstack(rows or [np.full((_HEIGHT, _WIDTH), 255, np.uint8)]))


def _row(picture: Grey, mistake: Mistake) -> Grey:
    row = np.full((_HEIGHT + 8, _WIDTH + _TEXT), 255, np.uint8)
    scale = min(_HEIGHT / picture.shape[0], _WIDTH / picture.shape[1])
    drawn = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    row[: drawn.shape[0], : drawn.shape[1]] = drawn
    said = f"{mistake.name}: {mistake.written} read {mistake.said} {mistake.confidence:.3f}"
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(row, said, (_WIDTH + 10, _HEIGHT // 2 + 8), font, 0.6, 0, 1, cv2.LINE_AA)
    return row
