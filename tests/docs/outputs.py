"""Comparison of an example's output with the page.

`...` at the end of an object or a list stands for the rest of it, and as a line for any lines.
"""

import json
import re
from typing import Any

import pytest

# These differ between runs, machines or trainings.
_VARIABLE = {
    *("confidence", "probabilities"),
    *("image", "model_version", "request_id", "version", "versions"),
    *("answered", "last_inference", "ns", "time", "until"),
    *("count", "execution_count", "inference_count"),
}
_TOLERANCE = 0.005

_REST = "..."
_NUMBER = re.compile(r"\d+\.\d+(e-?\d+)?")


def same_json(printed: str, shown: str) -> bool:
    """Return whether `printed` has the JSON values of `shown`, except variable ones."""
    shown = re.sub(r",\s*\.\.\.\s*\}", f', "{_REST}": 0}}', shown)
    shown = re.sub(r",\s*\.\.\.\s*\]", f', "{_REST}"]', shown)
    return _same(_values(printed), _values(shown))


def same_text(printed: str, shown: str) -> bool:
    """Return whether `printed` has the lines of `shown`, except decimal numbers."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == _REST else re.escape(_NUMBER.sub("0.0", line)) + r"\n"
        for line in shown.splitlines()
    )
    return re.fullmatch(pattern, _NUMBER.sub("0.0", printed.rstrip("\n")) + "\n") is not None


def _values(text: str) -> list[Any]:
    decoder, values, text = json.JSONDecoder(), [], text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:].lstrip()
    return values


def _same(printed: Any, shown: Any) -> bool:
    if isinstance(shown, dict) and isinstance(printed, dict):
        names = shown.keys() - {_REST}
        complete = names == printed.keys() or (_REST in shown and names <= printed.keys())
        return complete and all(
            name in _VARIABLE or _same(printed[name], shown[name]) for name in names
        )
    if isinstance(shown, list) and isinstance(printed, list):
        if shown[-1:] == [_REST]:
            shown, printed = shown[:-1], printed[: len(shown) - 1]
        return len(printed) == len(shown) and all(map(_same, printed, shown))
    if isinstance(shown, float) and isinstance(printed, int | float):
        return printed == pytest.approx(shown, abs=_TOLERANCE)
    return bool(printed == shown)
