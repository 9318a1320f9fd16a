"""The options that say what is known of a field, as constraints."""

import typer

from models.fields.constraints import Checksum, Constraints


def read_constraints(
    length: int | None, min_length: int | None, max_length: int | None, checksum: str | None
) -> Constraints:
    """What is known.

    Raises:
        typer.BadParameter: no field could be so.
    """
    try:
        return Constraints(length, min_length, max_length, Checksum(checksum) if checksum else None)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
