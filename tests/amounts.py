"""Synthetic amounts in the format of ORAND-CAR-A, and cells in that of meza."""

import csv
from pathlib import Path

import cv2
import numpy as np

_ADVANCE = 22


def write_amounts(folder: Path, count: int = 10) -> Path:
    """Write labels and images of `count` amounts, and return `folder`."""
    images = folder / "images"
    images.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["file", "digits", "boxes_xywh"])
        for index in range(count):
            digits = f"{index}{12345 + 7 * index}"[: 3 + index % 3]
            writer.writerow([f"{index}.jpg", digits, _draw(images / f"{index}.jpg", digits)])
    return folder


def write_cells(folder: Path) -> Path:
    """Write labels and images of eight cells to train on and two held out, and return `folder`."""
    images = folder / "images"
    images.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["file", "value"])
        for number in (*range(1, 9), 4001, 4002):
            value = f"{number},5" if number % 4 == 0 else f"{12 * number}"
            writer.writerow([f"{number}.jpg", value])
            _draw(images / f"{number}.jpg", value)
    return folder


def _draw(path: Path, digits: str) -> str:
    strip = np.full((52, 16 + _ADVANCE * len(digits)), 190, np.uint8)
    strip[::7] = 165
    boxes = []
    for index, digit in enumerate(digits):
        left = 10 + _ADVANCE * index
        cv2.putText(strip, digit, (left, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 40, 2, cv2.LINE_AA)
        boxes.append(f"{left - 1},15,19,28")
    cv2.imwrite(str(path), strip)
    return ";".join(boxes)
