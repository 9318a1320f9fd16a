"""Synthetic amounts in the format of ORAND-CAR-A."""

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
