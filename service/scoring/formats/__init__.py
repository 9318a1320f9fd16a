"""Rows to a file: JSON lines, CSV or Parquet, all with the same columns."""

from service.scoring.formats.choose import UnknownFormat, choose_format
from service.scoring.formats.format import Format
from service.scoring.formats.json_lines import JsonLines

__all__ = ["Format", "JsonLines", "UnknownFormat", "choose_format"]
