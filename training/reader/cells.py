"""Numbers in cells of clinic logbooks, in pen and pencil, cut out of photographed pages.

Published by Charitable Analytics International for its Meza OCR challenge; no licence is stated.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from models.mnist import DataError
from models.strips import DIGITS, SEPARATORS
from training.reader.amounts import Amount, read_grey

FOLDER = "meza"
# Files with neighbouring numbers share a page and a hand, so the last ones are held out, not a
# random part.
FIRST_HELD_OUT = 4001


class Cells(NamedTuple):
    """Cells for training, and held out; they have no boxes, and `raw` if a separator is written."""

    train: Sequence[Amount]
    held_out: Sequence[Amount]


NO_CELLS = Cells((), ())


def load_cells(data_dir: Path) -> Cells:
    """Read the cells from the folder `meza` of `data_dir`.

    Raises:
        DataError: the labels or an image are missing or unreadable; the message names them.
    """
    labels = data_dir / FOLDER / "labels.csv"
    if not labels.is_file():
        raise DataError(f"{data_dir}: has no {FOLDER}/labels.csv, which the reader is trained on")
    train: list[Amount] = []
    held_out: list[Amount] = []
    with labels.open(newline="") as rows:
        for row in csv.DictReader(rows):
            file, raw = row["file"], row["value"]
            if not set(raw) <= set(DIGITS + SEPARATORS):
                raise DataError(f"{labels}: {file} has the label {raw!r}")
            digits = "".join(symbol for symbol in raw if symbol in DIGITS)
            grey = read_grey(labels.parent / "images" / file)
            cell = Amount(file, grey, digits, (), raw if raw != digits else None)
            part = train if int(Path(file).stem) < FIRST_HELD_OUT else held_out
            part.append(cell)
    return Cells(train, held_out)
