"""The command `python -m export`: turn finished training runs into published models."""

import os
import sys
from pathlib import Path
from typing import Annotated

# Read by TensorFlow when it is imported: hides its start-up messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from export.pipeline import export_run
from export.publish import Exported, PublishError, publish
from export.reader.pipeline import export_reader
from export.verify import VerificationError
from models.manifest import PACKAGE_DIRECTORY, ModelCard
from models.mnist import DataError
from models.reader_card import ReaderCard
from training.data import Mnist, load_mnist
from training.reader.amounts import Amount, load_amounts
from training.reader.architecture import NAME as READER
from training.runs import Run, RunError
from training.study import Finding, gather

console = Console()


def export(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Directories of finished runs.")
    ],
    models_dir: Annotated[Path, typer.Option(help="Output directory.")] = PACKAGE_DIRECTORY,
    int8: Annotated[
        bool, typer.Option(help="Also publish an 8-bit variant if it is faster and as accurate.")
    ] = True,
    study_dir: Annotated[
        Path | None,
        typer.Option(
            help="Directory of the runs of the comparison study, to publish its results too."
        ),
    ] = None,
    default: Annotated[str | None, typer.Option(help="Default model of the service.")] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="NUMERAL_DATA",
            help="Directory with MNIST's four IDX files, and orand-car-a for the field reader;"
            " default: download MNIST through Keras.",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(help="Check the MD5 sums of the files; use --no-verify for your own digits."),
    ] = True,
) -> None:
    """Convert, verify, calibrate, measure and publish; if one model fails, publish nothing."""
    amounts = _amounts(runs, data_dir)
    mnist = load_mnist(data_dir, verify=verify)
    study = gather(mnist, study_dir) if study_dir else []
    exported = [
        model
        for folder in track(runs, "exporting", console=Console(stderr=True))
        for model in _export(Run(folder), mnist, amounts, study, eight_bits=int8)
    ]
    publish(models_dir, exported, default=default)
    models = [model.card for model in exported if isinstance(model.card, ModelCard)]
    readers = [model.card for model in exported if isinstance(model.card, ReaderCard)]
    if models:
        console.print(_table(models))
    if readers:
        console.print(_readers_table(readers))


def _amounts(runs: list[Path], data_dir: Path | None) -> list[Amount]:
    # Before the first export, which takes minutes, so that a missing directory fails at once.
    if all(Run(folder).config().model != READER for folder in runs):
        return []
    if data_dir is None:
        raise DataError(
            "the reader is calibrated on orand-car-a; pass its directory with --data-dir"
        )
    return load_amounts(data_dir)


def _export(
    run: Run, mnist: Mnist, amounts: list[Amount], study: list[Finding], *, eight_bits: bool
) -> list[Exported]:
    if run.config().model == READER:
        return [export_reader(run, mnist, amounts)]
    return export_run(run, mnist, study, eight_bits=eight_bits)


def _table(cards: list[ModelCard]) -> Table:
    table = Table("model", "version", "parameters", "test accuracy", "95% interval", "ECE", "ms")
    for card in cards:
        interval = card.test.accuracy_interval
        table.add_row(
            card.name,
            card.version,
            f"{card.parameters:,}",
            f"{card.test.accuracy:.2%}",
            f"{interval.low:.2%} to {interval.high:.2%}",
            f"{card.calibration.after.ece:.2%}",
            f"{card.speed.latency_ms:.3f}",
        )
    return table


def _readers_table(cards: list[ReaderCard]) -> Table:
    table = Table("reader", "version", "parameters", "real amounts", "composed", "ms")
    for card in cards:
        table.add_row(
            card.name,
            card.version,
            f"{card.parameters:,}",
            f"{card.held_out.amounts.accuracy:.2%}",
            f"{card.held_out.composed.accuracy:.2%}",
            f"{card.speed.latency_ms:.3f}",
        )
    return table


def main() -> None:
    """Run the command; report an expected error in one line with exit status 1."""
    try:
        typer.run(export)
    except (DataError, RunError, VerificationError, PublishError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
