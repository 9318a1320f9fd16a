"""The commands and their options. ONNX Runtime is imported only by a command that needs it."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.arguments import (
    AsJson,
    ChecksumName,
    Length,
    MaxError,
    MaxLength,
    MinLength,
    Model,
    ModelsDir,
    Preprocessing,
    ReaderName,
)
from service.cli.benching import bench
from service.cli.options import read_settings, takes_settings
from service.cli.scoring import score
from service.environment import drop_service_link
from service.settings import FEEDBACK_DATABASE, Settings
from service.version import version

app = typer.Typer(
    name="numeral",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
@takes_settings
def serve(settings: Settings) -> None:
    """Serve the models over HTTP until SIGINT or SIGTERM; requests in work are still answered.

    A second such signal ends it at once. SIGHUP loads the models again; if they cannot be used, the
    old ones go on. Without a model that can be used it listens all the same, not ready, and says
    why in its log.

    Examples:
      numeral serve --port 9000
      numeral serve --host 0.0.0.0 --workers 2 --api-keys-file keys.jsonl
      NUMERAL_DEFAULT_MODEL=lenet5 numeral serve
      numeral serve --engine ray --min-workers 1 --workers 4

    Exit status:
      0  it was told to stop
      1  the address cannot be used, or no worker comes up, or Ray cannot be reached
      2  a setting is wrong
    """
    from service.cli.serve import run  # noqa: PLC0415

    run(settings)


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Images of one digit.")],
    *,
    model: Model = None,
    max_error: MaxError = None,
    preprocess: Preprocessing = "auto",
    json: AsJson = False,
    models_dir: ModelsDir = None,
) -> None:
    """Read digits from image files, with no server; of many, numeral score makes a table.

    Examples:
      numeral predict seven.png
      numeral predict --model lenet5 --max-error 0.0005 --json scans/*.png

    Exit status:
      0  every file was read
      1  some were not
      2  the command line is wrong
      3  the model cannot be used
    """
    from service.cli.predict import run  # noqa: PLC0415

    settings = read_settings(models_dir=models_dir)
    raise typer.Exit(
        run(
            settings,
            files,
            model=model,
            max_error=max_error,
            preprocess=preprocess,
            as_json=json,
        )
    )


@app.command()
def read(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Images of several digits.")
    ],
    *,
    length: Length = None,
    min_length: MinLength = None,
    max_length: MaxLength = None,
    checksum: ChecksumName = None,
    model: ReaderName = None,
    max_error: MaxError = None,
    json: AsJson = False,
    models_dir: ModelsDir = None,
) -> None:
    """Read fields of several digits from image files, with no server.

    Examples:
      numeral read amount.png
      numeral read --length 5 zip.png
      numeral read --checksum aba --json routing-*.png

    Exit status:
      0  every file was read
      1  some were not
      2  the command line is wrong
      3  the reader cannot be used
    """
    from service.cli.constraints import read_constraints  # noqa: PLC0415
    from service.cli.read import run  # noqa: PLC0415

    constraints = read_constraints(length, min_length, max_length, checksum)
    settings = read_settings(models_dir=models_dir)
    raise typer.Exit(
        run(settings, files, constraints, model=model, max_error=max_error, as_json=json)
    )


app.command()(score)
app.command()(bench)


@app.command()
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
    from service.cli.models import run  # noqa: PLC0415

    raise typer.Exit(run(read_settings(models_dir=models_dir)))


@app.command()
def verify(
    data_dir: Annotated[
        Path,
        typer.Option(
            envvar="NUMERAL_DATA", help="Folder with the two IDX files of MNIST's test set."
        ),
    ],
    models_dir: ModelsDir = None,
) -> None:
    """Measure the accuracy of the published files again and compare it with the manifest.

    Examples:
      numeral verify --data-dir mnist
      NUMERAL_DATA=mnist numeral verify --models-dir mine

    Exit status:
      0  all agree
      1  some do not, or cannot be loaded
      2  the images cannot be read
      3  no model can be used
    """
    from service.cli.verify import run  # noqa: PLC0415

    raise typer.Exit(run(read_settings(models_dir=models_dir), data_dir))


@app.command("export-feedback")
def export_feedback(
    *,
    out: Annotated[
        Path,
        typer.Option(
            metavar="<path>",
            file_okay=False,
            help="Folder for MNIST's four files and feedback.json.",
        ),
    ],
    feedback_database: Annotated[
        str | None,
        typer.Option(
            envvar="NUMERAL_FEEDBACK_DATABASE",
            help=Settings.model_fields["feedback_database"].description,
        ),
    ] = None,
) -> None:
    """Make a data set of the digits whose right answers people gave, for python -m training.

    Examples:
      numeral export-feedback --out mine
      numeral export-feedback --out mine --feedback-database sqlite:////srv/numeral/feedback.db

    Exit status:
      0  it is written
      1  there are no such digits
      2  the command line is wrong
      3  the database cannot be used
    """
    from service.cli.export_feedback import run  # noqa: PLC0415

    settings = read_settings(feedback=True, feedback_database=feedback_database)
    raise typer.Exit(run(settings.feedback_database or FEEDBACK_DATABASE, out))


_keys = typer.Typer(help="Make API keys.", no_args_is_help=True)
app.add_typer(_keys, name="keys")


@_keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Whose key it is; stands in logs and metrics.")],
    *,
    role: Annotated[
        Literal["predict", "metrics", "admin"],
        typer.Option(help="What it is for; admin may do all."),
    ] = "predict",
    quota: Annotated[
        str | None,
        typer.Option(help="Most images in a second, minute, hour or day, such as 1000/minute."),
    ] = None,
) -> None:
    """Make a key: shown once, with the line to add to the file NUMERAL_API_KEYS_FILE.

    The key goes to standard error and the line to standard output: >> keys.jsonl keeps the line.

    Examples:
      numeral keys create teller --quota 1000/minute >> keys.jsonl
      numeral keys create prometheus --role metrics >> keys.jsonl

    Exit status:
      0  it was made
      2  the command line is wrong
    """
    from service.cli.keys import run  # noqa: PLC0415

    run(name, role, quota)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"numeral {version()}")
        raise typer.Exit


@app.callback()
def _numeral(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Read handwritten digits, and know when not to believe the answer.

    Examples:
      numeral serve                                the service, with /docs
      numeral predict seven.png                    one digit, with no server
      numeral score scans --out results.csv        a folder of them

    Each command tells more, with examples: numeral score --help
    """
    if link := drop_service_link(os.environ):
        typer.echo(
            f"warning: NUMERAL_PORT={link} is ignored: Kubernetes sets it for a Service named"
            " numeral, and it is no port to listen on; set --port, or enableServiceLinks: false",
            err=True,
        )
