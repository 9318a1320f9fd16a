"""What the README shows of answers, asked of a running service."""

import json
import re
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]

_SHOWN = re.compile(
    r"\$ curl -F file=@(\S+) '?localhost:8000([^\s']+)'?\n((?: {4,}\S.*\n)+?)    \$ "
)
_EXAMPLES = _SHOWN.findall((ROOT / "README.md").read_text())


def test_a_digit_and_a_field_are_shown():
    assert [path for _, path, _ in _EXAMPLES] == ["/predict", "/fields?max_length=8"]


@pytest.mark.parametrize(("file", "path", "text"), _EXAMPLES)
def test_a_command_is_answered_as_it_says(server, file, path, text):
    shown = json.loads(text)

    answer = httpx.post(f"{server}{path}", files={"file": (ROOT / file).read_bytes()}).json()

    assert list(answer) == list(shown)
    for name in {"digit", "text", "raw", "decision", "reasons"} & set(shown):
        assert answer[name] == shown[name]
