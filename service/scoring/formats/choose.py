"""The format that a file's name asks for."""

from pathlib import Path

from service.extras import how_to_install, is_installed
from service.scoring.formats.comma_separated import CommaSeparated
from service.scoring.formats.format import Format
from service.scoring.formats.json_lines import JsonLines


class UnknownFormat(Exception):
    """No format has such a name, or what it needs is not installed."""


def choose_format(path: Path) -> Format:
    """The format of the file at `path`, by the end of its name.

    Raises:
        UnknownFormat: it is none of .parquet, .csv and .jsonl, or pyarrow is missing.
    """
    match path.suffix.lower():
        case ".jsonl" | ".ndjson":
            return JsonLines()
        case ".csv":
            return CommaSeparated()
        case ".parquet":
            return _parquet()
    raise UnknownFormat(
        f"{path} does not end in .parquet, .csv or .jsonl; name it so, or - for standard output"
    )


def _parquet() -> Format:
    if not is_installed("pyarrow"):
        raise UnknownFormat(
            f"Parquet wants pyarrow, which is not installed: {how_to_install('parquet')};"
            " or write .csv or .jsonl"
        )
    # pyarrow takes a while to import, and need not be there.
    from service.scoring.formats.parquet import Parquet  # noqa: PLC0415

    return Parquet()
