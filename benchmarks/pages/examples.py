"""The command `python -m benchmarks.pages.examples`: the forms of docs/examples, also filled."""

import json

import cv2
import numpy as np
from PIL import Image

from benchmarks.pages.draw import FORMS, blank, corners_of, example_forms, fill, written
from benchmarks.pages.photograph import SEVERITIES, photograph
from benchmarks.pages.sets import strokes

_SIDE = 1200  # pixels of a photograph in the docs


def main() -> None:
    """Draw blank forms, a photograph of each severity, and a list of what is written on them."""
    cv2.setNumThreads(1)
    photos = FORMS.parent / "photos"
    photos.mkdir(exist_ok=True)
    answers = {}
    for name, form in example_forms().items():
        page = blank(form)
        Image.fromarray(page).save(FORMS / f"{name}.png", optimize=True)
        for number, severity in enumerate(SEVERITIES, 1):
            random = np.random.default_rng(number)
            entries = written(form, random)
            filled = fill(form, page, entries, strokes(), random)
            photo, _ = photograph(filled, corners_of(form), severity, random, _SIDE)
            (photos / f"{name}-{number}.jpg").write_bytes(photo)
            answers[f"{name}-{number}.jpg"] = entries
    (photos / "written.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
