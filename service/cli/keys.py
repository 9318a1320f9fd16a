"""`numeral keys create`: a new API key, and what the service keeps of it."""

import sys
from pathlib import Path

import typer
from pydantic import ValidationError

from service.auth.api_keys import KeysFileError, Role, load_keys, new_key
from service.auth.quotas import Quota
from service.cli.options import read_settings


def run(name: str, role: str, quota: str | None) -> None:
    """Print a new key to standard error, and its line to standard output.

    Raises:
        typer.BadParameter: the name or the quota cannot be one, or the name is taken in the file
            that the settings name.
    """
    try:
        limit = None if quota is None else Quota.parse(quota)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--quota") from error
    try:
        key, line = new_key(name, Role(role), limit)
    except ValidationError as error:
        raise typer.BadParameter(
            f"{name!r} is not made of up to 64 letters, digits, dots, underscores and dashes",
            param_hint="NAME",
        ) from error
    _check_is_free(name, read_settings().api_keys_file)
    if sys.stdout.isatty():
        what_next = (
            "Add this line to the file that NUMERAL_API_KEYS_FILE names, and start the service"
            " again:\n"
        )
    else:
        what_next = (
            "Its line, without the key, went to standard output. Once it stands in the file that"
            " NUMERAL_API_KEYS_FILE names, start the service again."
        )
    typer.echo(
        f"The key of {name}, which is not shown again:\n\n    {key}\n\n{what_next}", err=True
    )
    typer.echo(line.model_dump_json(exclude_none=True))


def _check_is_free(name: str, file: Path | None) -> None:
    if file is None:
        return
    try:
        taken = {key.name for key in load_keys(file)}
    except KeysFileError:
        # It may be empty or missing before there is a first key; otherwise the service says so.
        return
    if name in taken:
        raise typer.BadParameter(
            f"{name!r} is the name of a key in {file}; take another one, or remove that key's line"
            " first",
            param_hint="NAME",
        )
