"""Tables that `numeral score` wrote, as rows of plain values, whatever their format."""

import csv
import json
from pathlib import Path


def read_table(path: Path) -> list[dict]:
    match path.suffix:
        case ".jsonl":
            return [json.loads(line) for line in path.read_text().splitlines()]
        case ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                return [_typed(row) for row in csv.DictReader(file)]
    return _read_parquet(path)


def _read_parquet(path: Path) -> list[dict]:
    import pytest

    parquet = pytest.importorskip("pyarrow.parquet")
    rows = parquet.read_table(path).to_pylist()
    return [{name: _shortened(value) for name, value in row.items()} for row in rows]


def _typed(row: dict[str, str]) -> dict:
    """CSV has text alone: numbers and lists are what they look like, as JSON."""
    text = {"source", "member", "model", "version", "text", "raw", "decision", "error", "detail"}
    return {
        name: None if value == "" else value if name in text else json.loads(value)
        for name, value in row.items()
    }


def _shortened(value):
    """Numbers with 32 bits as the other formats write them."""
    import numpy as np

    if isinstance(value, float):
        return float(str(np.float32(value)))
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    return value
