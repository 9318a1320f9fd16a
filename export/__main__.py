"""The command `python -m export`: turn finished training runs into published models."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track

from export.publish import Exported, PublishError, publish
from models.manifest import PACKAGE_DIRECTORY
from models.mnist import DataError
from training import import_tensorflow
from training.data import Mnist, load_mnist
from training.folds import load_writers
from training.reader.amounts import Amount, load_amounts
from training.reader.cells import NO_CELLS, Cells, load_cells
from training.recipes import CELL_READER
from training.runs import Run, RunError

if TYPE_CHECKING:
    from training.study import Finding

READER = "reader"
DEFAULT_DIRECTORY = Path("exported")

console = Console()


def export(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Directories of finished runs.")
    ],
    models_dir: Annotated[
        Path | None, typer.Option(help="Output directory.", show_default=str(DEFAULT_DIRECTORY))
    ] = None,
    replace_shipped: Annotated[
        bool,
        typer.Option(
            "--replace-shipped",
            help="Replace the models in this project's models/, which the service uses by default.",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Publish even if a model is worse than the old one.")
    ] = False,
    int8: Annotated[
        bool,
        typer.Option(
            help="Also publish an 8-bit variant if it is faster and as accurate; a field reader is"
            " replaced by its variant."
        ),
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
    """Convert, verify, calibrate, measure, compare and publish models.

    If one fails, or is less accurate or accepts less than the model it replaces, nothing is
    published.
    """
    directory = _directory(models_dir, replace_shipped=replace_shipped)
    amounts, cells = _real_strips(runs, data_dir)
    import_tensorflow()
    from training.study import gather

    mnist = load_mnist(data_dir, verify=verify)
    if any(Run(folder).config().everything for folder in runs):
        mnist = replace(mnist, writers=load_writers(data_dir, mnist.train))
    study = gather(mnist, study_dir) if study_dir else []
    exported = [
        model
        for folder in track(runs, "exporting", console=Console(stderr=True))
        for model in _export(Run(folder), mnist, amounts, cells, study, eight_bits=int8)
    ]
    _compare(exported, directory, mnist, force=force)
    publish(directory, exported, default=default)
    console.print(f"published in {directory}: {', '.join(model.card.name for model in exported)}")


def _directory(models_dir: Path | None, *, replace_shipped: bool) -> Path:
    if replace_shipped:
        if models_dir is not None:
            raise typer.BadParameter(
                "pass either --replace-shipped or --models-dir", param_hint="--models-dir"
            )
        return PACKAGE_DIRECTORY
    directory = models_dir or DEFAULT_DIRECTORY
    if directory.resolve() == PACKAGE_DIRECTORY.resolve():
        raise typer.BadParameter(
            "these are the shipped models; to replace them, pass --replace-shipped",
            param_hint="--models-dir",
        )
    return directory


def _compare(exported: list[Exported], directory: Path, mnist: Mnist, *, force: bool) -> None:
    from export.compare import compare, dropped

    comparisons = [compare(model, directory, mnist.test) for model in exported]
    for comparison in comparisons:
        console.print(comparison.table())
    for name in dropped(exported, directory):
        console.print(f"{name} is removed: it has the weights of the model that is replaced")
    worse = [f"{one.name} ({', '.join(one.worse)})" for one in comparisons if one.worse]
    if worse and not force:
        raise PublishError(
            f"worse than the published model: {'; '.join(worse)}; nothing was published, pass"
            " --force to publish anyway"
        )


def _real_strips(runs: list[Path], data_dir: Path | None) -> tuple[list[Amount], Cells]:
    # Before the first export, which takes minutes, so that a missing directory fails at once.
    configs = [Run(folder).config() for folder in runs]
    recipes = {config.recipe.name for config in configs if config.model == READER}
    if not recipes:
        return [], NO_CELLS
    if data_dir is None:
        raise DataError(
            "the reader is calibrated on orand-car-a; pass its directory with --data-dir"
        )
    cells = load_cells(data_dir) if CELL_READER.name in recipes else NO_CELLS
    return load_amounts(data_dir), cells


def _export(
    run: Run,
    mnist: Mnist,
    amounts: list[Amount],
    cells: Cells,
    study: "list[Finding]",
    *,
    eight_bits: bool,
) -> list[Exported]:
    from export.pipeline import export_run
    from export.reader.pipeline import export_reader

    if run.config().model == READER:
        return [export_reader(run, mnist, amounts, cells, eight_bits=eight_bits)]
    return export_run(run, mnist, study, eight_bits=eight_bits)


def main() -> None:
    """Run the command; report an expected error in one line with exit status 1."""
    try:
        typer.run(export)
    except (DataError, RunError, PublishError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
