"""Tables: drawn for a person, plain for a pipe."""

import sys
from collections.abc import Iterable

import typer


def print_table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print `rows` under `columns`; where standard output is no terminal, tab-separated."""
    if sys.stdout.isatty():
        _draw(columns, rows)
        return
    for row in rows:
        typer.echo("\t".join(row))


def _draw(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - slow to import, and not for pipes
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*columns)
    for row in rows:
        # As text, so that a file name in brackets is not taken as a colour.
        table.add_row(*map(Text, row))
    Console().print(table)
