"""`numeral keys create`: a new API key, and the line that the service knows it by."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.options import read_settings

app = typer.Typer(help="Create API keys.", no_args_is_help=True)


@app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="The key's owner, shown in logs and metrics.")],
    *,
    role: Annotated[
        Literal["predict", "metrics", "admin"],
        typer.Option(help="What the key allows; admin allows everything."),
    ] = "predict",
    quota: Annotated[
        str | None,
        typer.Option(help="Maximum images per second, minute, hour or day, such as 1000/minute."),
    ] = None,
) -> None:
    """Create a key: shown once, with the line to add to the file in NUMERAL_API_KEYS_FILE.

    The key goes to standard error and the line to standard output:
    >> keys.jsonl stores the line.

    Examples:
      numeral keys create teller --quota 1000/minute >> keys.jsonl
      numeral keys create prometheus --role metrics >> keys.jsonl

    Exit status:
      0  the key was created
      2  the command line is wrong
    """
    from pydantic import ValidationError

    from service.auth.api_keys import Role, new_key
    from service.auth.quotas import Quota

    try:
        limit = None if quota is None else Quota.parse(quota)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--quota") from error
    try:
        key, line = new_key(name, Role(role), limit)
    except ValidationError as error:
        raise typer.BadParameter(
            f"{name!r} must be 1 to 64 letters, digits, dots, underscores and dashes",
            param_hint="NAME",
        ) from error
    _require_free(name, read_settings().api_keys_file)
    if sys.stdout.isatty():
        next_step = "Add this line to the file in NUMERAL_API_KEYS_FILE, and restart the service:\n"
    else:
        next_step = (
            "Its line, without the key, went to standard output. Add it to the file in"
            " NUMERAL_API_KEYS_FILE, and restart the service."
        )
    typer.echo(
        f"The key of {name}, which is not shown again:\n\n    {key}\n\n{next_step}", err=True
    )
    typer.echo(line.model_dump_json(exclude_none=True))


def _require_free(name: str, file: Path | None) -> None:
    from service.auth.api_keys import KeysFileError, load_keys

    if file is None:
        return
    try:
        taken = {key.name for key in load_keys(file)}
    except KeysFileError:
        # Before the first key it may be empty or missing; the service reports anything else.
        return
    if name in taken:
        raise typer.BadParameter(
            f"{file} already has a key named {name!r}; use another name, or remove its line first",
            param_hint="NAME",
        )
