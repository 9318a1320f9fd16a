"""The command `python -m export`: turn finished training runs into published models."""

import os
import sys
from pathlib import Path
from typing import Annotated

# TensorFlow reads it when it is first imported; its start-up messages say nothing to the user.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from export.pipeline import export_run
from export.publish import Exported, PublishError, publish
from export.verify import VerificationError
from models.manifest import PACKAGE_DIRECTORY
from models.mnist import DataError
from training.data import load_mnist
from training.runs import Run, RunError
from training.study import gather

console = Console()


def export(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    models_dir: Annotated[Path, typer.Option(help="Where to publish.")] = PACKAGE_DIRECTORY,
    int8: Annotated[
        bool, typer.Option(help="Publish an eight-bit variant where it is faster and as good.")
    ] = True,
    study_dir: Annotated[
        Path | None, typer.Option(help="Runs of the comparison study, to publish its figures too.")
    ] = None,
    default: Annotated[
        str | None, typer.Option(help="The model that answers when a caller names none.")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="NUMERAL_DATA",
            help="Folder with MNIST's four IDX files; without it Keras downloads MNIST once.",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option(help="Check the files' MD5 sums; --no-verify for digits of your own.")
    ] = True,
) -> None:
    """Convert, verify, calibrate, measure and publish; a model that fails publishes nothing."""
    mnist = load_mnist(data_dir, verify=verify)
    study = gather(mnist, study_dir) if study_dir else []
    exported = [
        model
        for folder in track(runs, "exporting", console=Console(stderr=True))
        for model in export_run(Run(folder), mnist, study, eight_bits=int8)
    ]
    publish(models_dir, exported, default=default)
    console.print(_table(exported))


def _table(exported: list[Exported]) -> Table:
    table = Table("model", "version", "parameters", "test accuracy", "95% interval", "ECE", "ms")
    for card in (model.card for model in exported):
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


def main() -> None:
    """Run the command; an expected error becomes one line and exit status 1."""
    try:
        typer.run(export)
    except (DataError, RunError, VerificationError, PublishError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
