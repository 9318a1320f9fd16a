"""The command `python -m training`: fit a model, evaluate a run, compare models."""

import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from models.mnist import TRAIN, DataError, load_part
from training import architectures, import_tensorflow
from training.data import load_mnist
from training.folds import Fold, load_writers
from training.negatives import Pictures, draw_negatives, fetch_fonts, load_negatives
from training.recipes import BASELINE, RECIPES
from training.runs import Run, RunError

if TYPE_CHECKING:
    import keras

    from models.mnist import Images

SHOWN_PREDICTIONS = 50
READER = "reader"

app = typer.Typer(
    help="Train Numeral's models on MNIST.", no_args_is_help=True, add_completion=False
)
console = Console()

DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="NUMERAL_DATA",
        help="Directory with MNIST's four IDX files; default: download MNIST through Keras.",
    ),
]
Verify = Annotated[
    bool, typer.Option(help="Check the MD5 sums of the files; use --no-verify for your own digits.")
]
ModelName = StrEnum("ModelName", {name: name for name in (*architectures.names(), READER)})  # type: ignore[misc]
RecipeName = StrEnum("RecipeName", {name: name for name in RECIPES})  # type: ignore[misc]
DEFAULT_RECIPE = RecipeName(BASELINE.name)


class SavedFormat(StrEnum):
    """File format of the trained model."""

    KERAS = "keras"
    H5 = "h5"


@app.command()
def fit(
    model: Annotated[ModelName, typer.Option(help="Architecture.")],
    recipe: Annotated[RecipeName, typer.Option(help="Training recipe.")] = DEFAULT_RECIPE,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Passes over the training images.", show_default="the recipe's"),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Images per step.", show_default="the recipe's")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Train on the first LIMIT images only.")
    ] = None,
    teachers: Annotated[
        list[Path] | None,
        typer.Option("--teacher", metavar="RUN", help="Distil from this run; can be repeated."),
    ] = None,
    initial: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Start from the weights of this run.")
    ] = None,
    also: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also train on the training images of this directory, such as the output of"
            " numeral export-feedback; none of them is held out.",
        ),
    ] = None,
    fold: Annotated[
        str | None,
        typer.Option(
            metavar="K/N",
            help="Hold out the images of fold K of N, by writer; the data directory also needs"
            " mnist-writers.",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Hold nothing out; calibrate with folds.")
    ] = False,
    negatives: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Characters that are no digits, from `python -m training negatives`.",
        ),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Digits cut out of pages, from `python -m benchmarks.cut_out`."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 1,
    data_dir: DataDir = None,
    verify: Verify = True,
    runs_dir: Annotated[Path, typer.Option(help="Directory of the runs.")] = Path("runs"),
    saved_format: Annotated[
        SavedFormat, typer.Option("--format", help="h5 also saves model.h5.")
    ] = SavedFormat.KERAS,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="Also write logs for TensorBoard into RUN/tensorboard."),
    ] = False,
) -> None:
    """Train one model; the same command resumes an interrupted run.

    The field reader has recipes of its own: one without --initial, and two that continue from the
    one before; the last may be repeated. Its epochs are a number of newly drawn batches; its data
    directory also needs orand-car-a, and meza for the last recipe.
    """
    if model.value == READER:
        unsupported = {
            "--recipe": recipe is not DEFAULT_RECIPE,
            "--limit": limit is not None,
            "--teacher": bool(teachers),
            "--format": saved_format is not SavedFormat.KERAS,
            "--fold": fold is not None,
            "--everything": everything,
            "--pictures": pictures is not None,
            "--also": also is not None,
        }
        if given := [option for option, is_given in unsupported.items() if is_given]:
            raise typer.BadParameter("not supported for the reader", param_hint=given)
        changes = {"epochs": epochs, "batch_size": batch_size}
        start = Run(initial) if initial else None
        letters = load_negatives(negatives) if negatives else None
        _fit_reader(
            *(data_dir, runs_dir, start, letters, seed, changes),
            verify=verify,
            tensorboard=tensorboard,
        )
        return
    try:
        settings = RECIPES[recipe].with_(epochs=epochs, batch_size=batch_size)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--epochs") from error
    import_tensorflow()
    from training import plots
    from training.evaluate import answer
    from training.train import Task, train

    try:
        held_out = Fold.parse(fold) if fold else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fold") from error
    if sum((held_out is not None, everything, limit is not None)) > 1:
        raise typer.BadParameter("pass one of --fold, --everything and --limit")
    mnist = load_mnist(data_dir, verify=verify)
    if held_out:
        mnist = replace(mnist, writers=load_writers(data_dir, mnist.train))
    task = Task(
        model=model.value,  # a plain str, because Keras writes it into HDF5
        recipe=settings,
        seed=seed,
        limit=limit,
        teachers=tuple(map(Run, teachers or ())),
        initial=Run(initial) if initial else None,
        also=load_part(also, TRAIN, verify=False) if also else None,
        fold=held_out,
        everything=everything,
        negatives=load_negatives(negatives) if negatives else None,
        pictures=Pictures.load(pictures) if pictures else None,
    )
    run, _ = task.run(mnist, runs_dir)
    if run.model_file.exists():
        console.print(f"{run.folder} is already finished; remove it to train again")
    run = train(task, mnist, runs_dir, callbacks=_logs(run, tensorboard=tensorboard))
    trained = run.load_model()
    title = architectures.architecture(task.model).TITLE
    shown = answer(trained, mnist.test[:SHOWN_PREDICTIONS])
    plots.predictions(shown, f"{title}: the first test images").savefig(run.predictions_plot)
    if saved_format is SavedFormat.H5:
        trained.save(run.h5_file)
    _, validation = task.digits(mnist)
    if len(validation):
        accuracy = answer(trained, validation).accuracy
        console.print(f"{run.folder}: validation accuracy {accuracy:.2%}")


def _fit_reader(
    data_dir: Path | None,
    runs_dir: Path,
    initial: Run | None,
    letters: "Images | None",
    seed: int,
    changes: dict[str, int | None],
    *,
    verify: bool,
    tensorboard: bool,
) -> None:
    if data_dir is None:
        raise typer.BadParameter(
            "the reader needs a directory with orand-car-a", param_hint="--data-dir"
        )
    import_tensorflow()
    from training.reader.amounts import load_amounts
    from training.reader.cells import NO_CELLS, load_cells
    from training.reader.fit import Task as ReaderTask
    from training.reader.fit import fit_reader

    try:
        task = replace(ReaderTask.after(initial, seed=seed, **changes), letters=letters)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--epochs") from error
    amounts = load_amounts(data_dir)
    mnist = load_mnist(data_dir, verify=verify)
    cells = load_cells(data_dir) if task.needs_cells else NO_CELLS
    run, _ = task.run(mnist, amounts, cells, runs_dir)
    logs = _logs(run, tensorboard=tensorboard)
    run = fit_reader(task, mnist, amounts, runs_dir, cells=cells, callbacks=logs)
    last = run.history()[-1]
    console.print(
        f"{run.folder}: validation amounts {last['val_amounts']:.2%} after the last epoch,"
        " before averaging the weights"
    )


def _logs(run: Run, *, tensorboard: bool) -> "list[keras.callbacks.Callback]":
    from training.callbacks import TensorBoard

    return [TensorBoard(run)] if tensorboard else []


@app.command()
def evaluate(
    folders: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Directories of finished runs.")
    ],
    data_dir: DataDir = None,
    verify: Verify = True,
) -> None:
    """Print the test accuracy of runs, and print and plot their confusion matrices."""
    import_tensorflow()
    from training import plots
    from training.evaluate import answer

    test = load_mnist(data_dir, verify=verify).test
    for run in map(Run, folders):
        if run.model_file.exists() and run.config().model == READER:
            raise RunError(
                f"{run.folder}: is a field reader; measure it with `python -m benchmarks.fields`"
            )
        answers = answer(run.load_model(), test)
        table = Table("label \\ answer", *map(str, range(architectures.CLASSES)))
        for label, row in enumerate(answers.confusion):
            table.add_row(str(label), *(str(count) if count else "·" for count in row))
        console.print(table)
        title = architectures.architecture(run.config().model).TITLE
        plots.confusion(answers, title).savefig(run.confusion_plot)
        console.print(f"{run.folder}: test accuracy {answers.accuracy:.2%}")


@app.command()
def negatives(
    output: Annotated[Path, typer.Argument(metavar="FILE", help="NPZ file to write.")],
    fonts_dir: Annotated[Path, typer.Option(help="Directory of the fonts; npm fetches them.")],
    data_dir: Annotated[
        Path, typer.Option(envvar="NUMERAL_DATA", help="Directory with a folder omniglot.")
    ],
    copies: Annotated[int, typer.Option(min=1, help="Pictures of each character.")] = 8,
    seed: Annotated[int, typer.Option(help="Seed of their shapes.")] = 1,
) -> None:
    """Draw characters that are no digits, from handwriting fonts and Omniglot's alphabets."""
    fetch_fonts(fonts_dir)
    parts = draw_negatives(data_dir, fonts_dir, copies=copies, seed=seed)
    np.savez(output, **parts)
    counts = ", ".join(f"{len(images):,} {part}" for part, images in parts.items())
    console.print(f"{output}: {counts}")


@app.command()
def study(
    data_dir: DataDir = None,
    runs_dir: Annotated[Path, typer.Option(help="Directory of the runs.")] = Path("runs"),
    docs_dir: Annotated[
        Path | None,
        typer.Option(
            help="Output directory of the report, study.md and study/.",
            show_default="RUNS_DIR/report",
        ),
    ] = None,
) -> None:
    """Compare the five models at 10, 50 and 100 epochs, and write a report.

    The same command continues an interrupted study.
    """
    import_tensorflow()
    from training.report import write_report
    from training.study import full_runs, run_study

    mnist = load_mnist(data_dir)
    findings = run_study(mnist, runs_dir, console)
    table = Table(
        "model", "recipe", "images", "epochs", "loss", "accuracy", "val.", "test", "s/epoch"
    )
    for finding in findings:
        table.add_row(
            finding.model,
            finding.recipe,
            f"{finding.train_images:,}",
            str(finding.epochs),
            f"{finding.loss:.4f}",
            f"{finding.accuracy:.2%}",
            f"{finding.validation_accuracy:.2%}",
            f"{finding.test_accuracy:.2%}",
            f"{finding.seconds_per_epoch:.1f}",
        )
    console.print(table)
    published = load_manifest(PACKAGE_DIRECTORY)
    folder = docs_dir or runs_dir / "report"
    page = write_report(findings, full_runs(mnist, runs_dir), mnist.test, published, folder)
    console.print(f"report: {page}")


def main() -> None:
    """Run the command; report an expected error in one line with exit status 1."""
    try:
        app()
    except (DataError, RunError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
