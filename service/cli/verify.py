"""`numeral verify`: do the published files read as well as the manifest says?"""

from pathlib import Path

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from models.mnist import TEST, DataError, Digits, load_part
from service.cli.loading import load_or_exit
from service.cli.tables import print_table
from service.inference.catalogue import Catalogue
from service.inference.sessions import LARGEST_MICRO_BATCH, Classifier
from service.settings import Settings

_DISAGREES = 1
_NO_DATA = 2
_COLUMNS = ("model", "version", "manifest", "measured", "verdict")

# Processors round differently: so many of 10,000 images may fall to the other side of a tie.
_TOLERANCE = 2


def run(settings: Settings, data_dir: Path) -> int:
    """Measure the accuracy of every model on MNIST's test images; the exit status."""
    try:
        digits = load_part(data_dir, TEST)
    except DataError as error:
        typer.echo(f"error: {error}", err=True)
        return _NO_DATA
    catalogue = load_or_exit(settings)
    classifiers = catalogue.classifiers.values()
    measured = {
        classifier.card.name: _correct(classifier, digits)
        for classifier in track(classifiers, "measuring", console=Console(stderr=True))
    }
    rows = [_row(name, catalogue, measured) for name in catalogue.cards]
    print_table(_COLUMNS, rows)
    return 0 if all(row[-1] == "agrees" for row in rows) else _DISAGREES


def _correct(classifier: Classifier, digits: Digits) -> int:
    correct = 0
    for start in range(0, len(digits), LARGEST_MICRO_BATCH):
        part = digits[start : start + LARGEST_MICRO_BATCH]
        answers = classifier.run(part.images).probabilities.argmax(axis=1)
        correct += int(np.sum(answers == part.labels))
    return correct


def _row(name: str, catalogue: Catalogue, measured: dict[str, int]) -> tuple[str, ...]:
    card = catalogue.cards[name]
    claimed, images = card.test.correct, card.test.images
    if name not in measured:
        failure = f"failed: {catalogue.failures[name]}"
        return name, card.version, f"{claimed / images:.2%}", "-", failure
    difference = measured[name] - claimed
    verdict = "agrees" if abs(difference) <= _TOLERANCE else f"differs by {difference:+} images"
    return name, card.version, f"{claimed / images:.2%}", f"{measured[name] / images:.2%}", verdict
