"""The command `python -m training`: fit a model, evaluate a run."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

# TensorFlow reads it when it is first imported; its start-up messages say nothing to the user.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import typer
from rich.console import Console
from rich.table import Table

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from models.mnist import TRAIN, DataError, load_part
from training import architectures, plots
from training.data import load_mnist
from training.evaluate import answer
from training.reader.amounts import load_amounts
from training.recipes import BASELINE, RECIPES
from training.report import write_report
from training.runs import Run, RunError
from training.study import full_runs, run_study
from training.train import Task, train

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
        help="Folder with MNIST's four IDX files; without it Keras downloads MNIST once.",
    ),
]
Verify = Annotated[
    bool, typer.Option(help="Check the files' MD5 sums; --no-verify for digits of your own.")
]
ModelName = StrEnum("ModelName", {name: name for name in (*architectures.names(), READER)})  # type: ignore[misc]
RecipeName = StrEnum("RecipeName", {name: name for name in RECIPES})  # type: ignore[misc]
DEFAULT_RECIPE = RecipeName(BASELINE.name)


class SavedFormat(StrEnum):
    """How the trained model is saved."""

    KERAS = "keras"
    H5 = "h5"


@app.command()
def fit(
    model: Annotated[ModelName, typer.Option(help="The architecture.")],
    recipe: Annotated[RecipeName, typer.Option(help="How to train.")] = DEFAULT_RECIPE,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the training images. [the recipe's]")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Images a step. [the recipe's]")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Train on the first so many images only.")
    ] = None,
    teachers: Annotated[
        list[Path] | None,
        typer.Option("--teacher", metavar="RUN", help="Learn from this run; may be repeated."),
    ] = None,
    initial: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Start from the weights of this run.")
    ] = None,
    also: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Learn from the training images of this folder too, such as numeral"
            " export-feedback writes; none of them is held out.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 1,
    data_dir: DataDir = None,
    verify: Verify = True,
    runs_dir: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("runs"),
    saved_format: Annotated[
        SavedFormat, typer.Option("--format", help="h5 saves model.h5 beside model.keras.")
    ] = SavedFormat.KERAS,
) -> None:
    """Train one model; the same command again resumes an interrupted run.

    The reader of fields has recipes of its own: one to begin with, one that goes on from --initial.
    Its epochs are so many batches drawn anew; its data folder also holds orand-car-a.
    """
    if model.value == READER:
        others = {
            "--recipe": recipe is not DEFAULT_RECIPE,
            "--limit": limit is not None,
            "--teacher": bool(teachers),
            "--format": saved_format is not SavedFormat.KERAS,
        }
        if given := [option for option, is_given in others.items() if is_given]:
            raise typer.BadParameter("is not for the reader; leave it out", param_hint=given)
        changes = {"epochs": epochs, "batch_size": batch_size}
        start = Run(initial) if initial else None
        _fit_reader(data_dir, runs_dir, start, seed, changes, verify=verify)
        return
    try:
        settings = RECIPES[recipe].with_(epochs=epochs, batch_size=batch_size)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--epochs") from error
    mnist = load_mnist(data_dir, verify=verify)
    task = Task(
        model=model.value,  # a plain str: Keras writes it into HDF5
        recipe=settings,
        seed=seed,
        limit=limit,
        teachers=tuple(map(Run, teachers or ())),
        initial=Run(initial) if initial else None,
        also=load_part(also, TRAIN, verify=False) if also else None,
    )
    run, _ = task.run(mnist, runs_dir)
    if run.model_file.exists():
        console.print(f"{run.folder} has finished already; remove it to train again")
    run = train(task, mnist, runs_dir)
    trained = run.load_model()
    title = architectures.architecture(task.model).TITLE
    shown = answer(trained, mnist.test[:SHOWN_PREDICTIONS])
    plots.predictions(shown, f"{title}: the first test images").savefig(run.predictions_plot)
    if saved_format is SavedFormat.H5:
        trained.save(run.h5_file)
    _, validation = task.digits(mnist)
    accuracy = answer(trained, validation).accuracy
    console.print(f"{run.folder}: validation accuracy {accuracy:.2%}")


def _fit_reader(
    data_dir: Path | None,
    runs_dir: Path,
    initial: Run | None,
    seed: int,
    changes: dict[str, int | None],
    *,
    verify: bool,
) -> None:
    # Imported here: the composing of strips and their loss concern no other command.
    from training.reader.fit import Task as ReaderTask  # noqa: PLC0415
    from training.reader.fit import fit_reader  # noqa: PLC0415

    if data_dir is None:
        raise typer.BadParameter(
            "the reader needs a folder with orand-car-a", param_hint="--data-dir"
        )
    try:
        task = ReaderTask.after(initial, seed=seed, **changes)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--epochs") from error
    amounts = load_amounts(data_dir)
    run = fit_reader(task, load_mnist(data_dir, verify=verify), amounts, runs_dir)
    last = run.history()[-1]
    console.print(
        f"{run.folder}: validation amounts {last['val_amounts']:.2%} after the last epoch,"
        " by weights of which the average is kept"
    )


@app.command()
def evaluate(
    folders: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")
    ],
    data_dir: DataDir = None,
    verify: Verify = True,
) -> None:
    """Print test accuracy and confusion matrix of runs, and plot the latter."""
    test = load_mnist(data_dir, verify=verify).test
    for run in map(Run, folders):
        if run.model_file.exists() and run.config().model == READER:
            raise RunError(f"{run.folder}: reads fields; `python -m benchmarks.fields` measures it")
        answers = answer(run.load_model(), test)
        table = Table("label \\ answer", *map(str, range(architectures.CLASSES)))
        for label, row in enumerate(answers.confusion):
            table.add_row(str(label), *(str(count) if count else "·" for count in row))
        console.print(table)
        title = architectures.architecture(run.config().model).TITLE
        plots.confusion(answers, title).savefig(run.confusion_plot)
        console.print(f"{run.folder}: test accuracy {answers.accuracy:.2%}")


@app.command()
def study(
    data_dir: DataDir = None,
    runs_dir: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("runs"),
    docs_dir: Annotated[
        Path, typer.Option(help="Where the report is written: study.md and study/.")
    ] = Path("docs/reports"),
) -> None:
    """Compare the five models at 10, 50 and 100 epochs and write a report.

    The same command again goes on where it was interrupted.
    """
    mnist = load_mnist(data_dir)
    findings = run_study(mnist, runs_dir, console)
    table = Table("model", "images", "epochs", "loss", "accuracy", "val.", "test", "s/epoch")
    for finding in findings:
        table.add_row(
            finding.model,
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
    page = write_report(findings, full_runs(mnist, runs_dir), mnist.test, published, docs_dir)
    console.print(f"report: {page}")


def main() -> None:
    """Run the command; an expected error becomes one line and exit status 1."""
    try:
        app()
    except (DataError, RunError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
