"""The command `python -m benchmarks.pages`: forms on photographs, and the examples of docs."""

import json
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from PIL import Image

from benchmarks.pages.draw import FORMS, blank, fill, load_forms, written
from benchmarks.pages.photograph import SEVERITIES, photograph
from benchmarks.pen import drawn_digits
from benchmarks.reports import run
from training.reader.ink import RealDigits
from training.reader.line import Glyphs

_NO_REAL_DIGITS = RealDigits(((),) * 10)
_EXAMPLE_SIDE = 1200  # pixels of a photograph in the docs


app = typer.Typer(add_completion=False)


@app.command()
def draw(
    out: Annotated[Path, typer.Option(help="Folder of the examples.")] = FORMS.parent,
) -> None:
    """Draw blank forms, photographs of filled ones, and a list of what is written on them."""
    cv2.setNumThreads(1)
    source = Glyphs.of(drawn_digits(400, seed=1, widest=2), _NO_REAL_DIGITS)
    (out / "photos").mkdir(parents=True, exist_ok=True)
    answers = {}
    for form in load_forms():
        page = blank(form)
        Image.fromarray(page).save(out / "forms" / f"{form.name}.png", optimize=True)
        for number, severity in enumerate(SEVERITIES, 1):
            random = np.random.default_rng(number)
            entries = written(form, random)
            filled = fill(form, page, entries, source, random)
            photo, _ = photograph(filled, form.corners, severity, random, _EXAMPLE_SIDE)
            file = f"{form.name}-{number}.jpg"
            (out / "photos" / file).write_bytes(photo)
            answers[file] = entries
    (out / "photos" / "written.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    run(app)
