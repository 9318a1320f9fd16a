"""The command line: a module per command, which imports what it needs only when it runs."""

import os
from typing import Annotated

import typer

from service.cli import calibrate, feedback, forms, keys, models, predict, score, serve, table
from service.settings import drop_service_link
from service.version import version

app = typer.Typer(name="numeral", no_args_is_help=True, pretty_exceptions_enable=False)

for _command in (
    serve.serve,
    predict.predict,
    predict.read,
    table.table,
    score.score,
    models.models,
    models.verify,
    calibrate.calibrate,
    feedback.export_feedback,
):
    app.command()(_command)
app.add_typer(keys.app, name="keys")
app.add_typer(forms.app, name="forms")


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
    """Read handwritten digits, and know when not to trust the answer.

    Examples:
      numeral predict seven.png                    one digit, without a server
      numeral score scans --out results.csv        a folder of pictures
      numeral serve                                the HTTP service, with /docs

    Each command has more help and examples: numeral score --help
    """
    if link := drop_service_link(os.environ):
        typer.echo(
            f"warning: ignoring NUMERAL_PORT={link}: Kubernetes sets it for a Service named"
            " numeral, and it is not a port to listen on; set --port, or enableServiceLinks: false",
            err=True,
        )
