"""The commands and their options. ONNX Runtime is imported only by a command that needs it."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.options import read_settings, takes_settings
from service.settings import Settings, drop_service_link
from service.version import version

ModelsDir = Annotated[
    Path | None,
    typer.Option(envvar="NUMERAL_MODELS_DIR", help=Settings.model_fields["models_dir"].description),
]

app = typer.Typer(
    name="numeral",
    help="Read handwritten digits, and know when not to believe the answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
@takes_settings
def serve(settings: Settings) -> None:
    """Serve the models over HTTP until SIGINT or SIGTERM; requests in work are still answered.

    A second such signal ends it at once. SIGHUP loads the models again; if they cannot be used, the
    old ones go on. Without a model that can be used it listens all the same, not ready, and says
    why in its log.

    Exit status: 0 it was told to stop, 1 the address cannot be used or no worker comes up, 2 a
    setting is wrong.
    """
    from service.cli.serve import run  # noqa: PLC0415

    run(settings)


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Images of one digit.")],
    *,
    model: Annotated[str | None, typer.Option(help="Name of the model that answers.")] = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Error rate among accepted answers put up with; holds for digits like MNIST's.",
        ),
    ] = None,
    preprocess: Annotated[
        Literal["auto", "none"],
        typer.Option(help="auto normalises a picture; none takes one of 28 x 28 as it is."),
    ] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object per file.")] = False,
    models_dir: ModelsDir = None,
) -> None:
    """Read digits from image files, with no server.

    Exit status: 0 every file was read, 1 some were not, 2 the command line is wrong, 3 the model
    cannot be used.
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
    length: Annotated[int | None, typer.Option(help="How many digits there are.")] = None,
    min_length: Annotated[int | None, typer.Option(help="The fewest there may be.")] = None,
    max_length: Annotated[int | None, typer.Option(help="The most there may be.")] = None,
    checksum: Annotated[
        Literal["luhn", "aba"] | None,
        typer.Option(help="What they satisfy: card numbers luhn, US routing numbers aba."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name of the reader that answers.")] = None,
    max_error: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Error rate among accepted fields put up with."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object per file.")] = False,
    models_dir: ModelsDir = None,
) -> None:
    """Read fields of several digits from image files, with no server.

    Exit status: 0 every file was read, 1 some were not, 2 the command line is wrong, 3 the reader
    cannot be used.
    """
    from models.fields.constraints import Checksum, Constraints  # noqa: PLC0415
    from service.cli.read import run  # noqa: PLC0415

    try:
        constraints = Constraints(
            length, min_length, max_length, Checksum(checksum) if checksum else None
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    settings = read_settings(models_dir=models_dir)
    raise typer.Exit(
        run(settings, files, constraints, model=model, max_error=max_error, as_json=json)
    )


@app.command()
def models(models_dir: ModelsDir = None) -> None:
    """Compare the models: size, accuracy, and how many digits they read at which error rate.

    Exit status: 0 all can be served, 1 some cannot, 3 none can.
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

    Exit status: 0 all agree, 1 some do not or cannot be loaded, 2 the images cannot be read, 3 no
    model can be used.
    """
    from service.cli.verify import run  # noqa: PLC0415

    raise typer.Exit(run(read_settings(models_dir=models_dir), data_dir))


@app.command("export-feedback")
def export_feedback(
    *,
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Folder for MNIST's four files and feedback.json.")
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

    Exit status: 0 it is written, 1 there are no such digits, 2 the command line is wrong or no
    database is named, 3 the database cannot be used.
    """
    from service.cli.export_feedback import run  # noqa: PLC0415

    raise typer.Exit(run(read_settings(feedback_database=feedback_database), out))


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

    Exit status: 0 it was made, 2 the command line is wrong.
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
    if link := drop_service_link(os.environ):
        typer.echo(
            f"warning: NUMERAL_PORT={link} is ignored: Kubernetes sets it for a Service named"
            " numeral, and it is no port to listen on; set --port, or enableServiceLinks: false",
            err=True,
        )
