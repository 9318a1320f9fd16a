"""The models, for commands that run without a server."""

import typer

from service.inference.catalogue import Catalogue, NothingToServe, load_catalogue
from service.settings import Settings

NO_MODEL = 3


def load_or_exit(settings: Settings) -> Catalogue:
    """The models of `settings`.

    Raises:
        typer.Exit: with status 3, where none can be used.
    """
    try:
        return load_catalogue(settings.models_dir, settings.default_model)
    except NothingToServe as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(NO_MODEL) from error
