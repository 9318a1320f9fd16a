"""`numeral models` compares the models; `numeral verify` measures them again."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import ModelsDir, read_settings
from service.cli.output import load_models, print_error, print_table

if TYPE_CHECKING:
    from models.manifest import Evaluation, ModelCard
    from models.mnist import Digits
    from models.reader_card import FieldEvaluation, ReaderCard
    from service.inference.catalogue import Catalogue
    from service.inference.sessions import Classifier

_SOME_FAILED = 1
_DISAGREES = 1
_NO_DATA = 2

# Processors round differently: this many of 10,000 images may fall to the other side of a tie.
_TOLERANCE = 2


def models(models_dir: ModelsDir = None) -> None:
    """Compare the models: size, accuracy, and how many digits they read at which error rate.

    Examples:
      numeral models
      numeral models --models-dir mine

    Exit status:
      0  all can be served
      1  some cannot
      3  none can
    """
    settings = read_settings(models_dir=models_dir)
    catalogue = load_models(settings)
    columns = ("version", "parameters", "accuracy", "95% interval", "read rate", "status")
    print_table(
        ("model", *columns),
        [
            _cells(card, card.test, settings.max_error, catalogue, catalogue.default)
            for card in catalogue.cards.values()
        ],
        header=True,
    )
    if catalogue.reader_cards:
        print_table(
            ("reader", *columns),
            [
                # Of real amounts, which are what readers are for.
                _cells(
                    card,
                    card.held_out.amounts,
                    settings.field_max_error,
                    catalogue,
                    catalogue.default_reader,
                )
                for card in catalogue.reader_cards.values()
            ],
            header=True,
        )
    raise typer.Exit(_SOME_FAILED if catalogue.failures else 0)


def verify(
    data_dir: Annotated[
        Path,
        typer.Option(
            envvar="NUMERAL_DATA", help="Folder with the two IDX files of MNIST's test set."
        ),
    ],
    models_dir: ModelsDir = None,
) -> None:
    """Measure the accuracy of the published files and compare it with the manifest.

    MNIST has no fields, so readers are skipped.

    Examples:
      numeral verify --data-dir mnist
      NUMERAL_DATA=mnist numeral verify --models-dir mine

    Exit status:
      0  all agree
      1  some do not, or cannot be loaded
      2  the images cannot be read
      3  no model can be used
    """
    from rich.console import Console
    from rich.progress import track

    from models.mnist import TEST, DataError, load_part

    try:
        digits = load_part(data_dir, TEST)
    except DataError as error:
        print_error(error)
        raise typer.Exit(_NO_DATA) from error
    catalogue = load_models(read_settings(models_dir=models_dir))
    classifiers = catalogue.classifiers.values()
    measured = {
        classifier.card.name: _correct(classifier, digits)
        for classifier in track(classifiers, "measuring", console=Console(stderr=True))
    }
    rows = list(_verified(catalogue, measured))
    print_table(("model", "version", "manifest", "measured", "verdict"), rows)
    for name in catalogue.reader_cards:
        typer.echo(f"{name}: skipped, MNIST has no fields to measure a reader with", err=True)
    raise typer.Exit(0 if all(row[-1] == "agrees" for row in rows) else _DISAGREES)


def _cells(
    card: "ModelCard | ReaderCard",
    measured: "Evaluation | FieldEvaluation",
    max_error: float,
    catalogue: "Catalogue",
    default: str | None,
) -> tuple[str, ...]:
    interval = measured.accuracy_interval
    failure = catalogue.failures.get(card.name)
    return (
        f"{card.name} (default)" if card.name == default else card.name,
        card.version,
        f"{card.parameters:,}",
        f"{measured.accuracy:.2%}",
        f"{interval.low:.2%} to {interval.high:.2%}",
        _read_rate(card, max_error),
        f"failed: {failure}" if failure else "loaded",
    )


def _read_rate(card: "ModelCard | ReaderCard", max_error: float) -> str:
    from models.manifest import ModelCard

    try:
        if isinstance(card, ModelCard):
            digits = card.operating_point(max_error)
            rate, found = digits.max_error, digits.test
        else:
            fields = card.operating_point(max_error)
            rate, found = fields.max_error, fields.held_out.amounts
    except LookupError:
        return "-"
    return f"{found.read_rate:.2%} at {rate:g}, {found.errors} wrong of {found.accepted:,}"


def _correct(classifier: "Classifier", digits: "Digits") -> int:
    from service.inference.sessions import LARGEST_MICRO_BATCH

    correct = 0
    for start in range(0, len(digits), LARGEST_MICRO_BATCH):
        batch = digits[start : start + LARGEST_MICRO_BATCH]
        answers = classifier.run(batch.images).probabilities.argmax(axis=1)
        correct += int((answers == batch.labels).sum())
    return correct


def _verified(catalogue: "Catalogue", measured: dict[str, int]) -> Iterator[tuple[str, ...]]:
    for name, card in catalogue.cards.items():
        claimed, images = card.test.correct, card.test.images
        share, verdict = "-", f"failed: {catalogue.failures.get(name)}"
        if name in measured:
            difference = measured[name] - claimed
            share = f"{measured[name] / images:.2%}"
            close = abs(difference) <= _TOLERANCE
            verdict = "agrees" if close else f"differs by {difference:+} images"
        yield name, card.version, f"{claimed / images:.2%}", share, verdict
