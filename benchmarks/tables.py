"""Tables in Markdown."""

from collections.abc import Iterator


def header(*columns: str) -> Iterator[str]:
    """The two lines above a table; all but its first column are aligned to the right."""
    yield row(*columns)
    yield row("---", *("---:" for _ in columns[1:]))


def row(*cells: str) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"
