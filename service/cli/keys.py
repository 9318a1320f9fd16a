"""`numeral keys create`: a new API key, and what the service keeps of it."""

import typer
from pydantic import ValidationError

from service.access import Quota, Role, new_key


def run(name: str, role: str, quota: str | None) -> None:
    """Print a new key to standard error, and its line to standard output.

    Raises:
        typer.BadParameter: the name or the quota cannot be one.
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
    typer.echo(
        f"The key of {name}, which is not shown again:\n\n    {key}\n\nAdd this line to the file"
        " that NUMERAL_API_KEYS_FILE names, and start the service again:\n",
        err=True,
    )
    typer.echo(line.model_dump_json(exclude_none=True))
