"""The examples of a page: code in a fence, and after it what it prints."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_CODE = ("sh", "python", "js")
_OUTPUT = ("json", "text")


@dataclass(frozen=True)
class Example:
    """Code and what it prints.

    Attributes:
        place: page and line.
        language: `sh`, `python` or `js`.
        code: what is run.
        kind: how `shown` is to be read: `json` or `text`.
        shown: what the page says that it prints.
    """

    place: str
    language: str
    code: str
    kind: str
    shown: str


def examples_of(page: Path) -> list[Example]:
    """All of a page, in order. Blocks of code that follow one another print the same.

    Raises:
        ValueError: a fence holds something else, or the page does not say what its code prints.
    """
    text = page.read_text()
    found: list[Example] = []
    waiting: list[tuple[str, str, str]] = []
    for fence in _FENCE.finditer(text):
        place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, fence.start()) + 1}"
        kind, body = fence["kind"], _unindented(fence["text"], fence["indent"])
        if kind in _CODE:
            waiting.append((place, kind, body))
        elif kind in _OUTPUT and waiting:
            found += [Example(*code, kind, body) for code in waiting]
            waiting = []
        else:
            raise ValueError(f"{place}: {kind} is no example; indent what is not to be run")
    if waiting:
        raise ValueError(f"{waiting[0][0]}: say after it in a fence what it prints")
    return found


def _unindented(text: str, indent: str) -> str:
    return "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
