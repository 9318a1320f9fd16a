"""What the README shows of an answer, asked of a running service."""

import json
import re
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]

_SHOWN = re.compile(r"\$ curl -F file=@(\S+) localhost:8000(\S+)\n((?: {4,}\S.*\n)+?)    \$ ")


def test_the_first_command_is_answered_as_it_says(server):
    file, path, text = _SHOWN.search((ROOT / "README.md").read_text()).groups()
    shown = json.loads(text)

    answer = httpx.post(f"{server}{path}", files={"file": (ROOT / file).read_bytes()}).json()

    assert list(answer) == list(shown)
    for name in ("digit", "decision", "reasons"):
        assert answer[name] == shown[name]
