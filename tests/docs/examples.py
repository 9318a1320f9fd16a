"""Examples in the pages: code in a fence, and a fence after it with the output."""

import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_CODE = ("sh", "python", "js")
_OUTPUT = ("json", "text")
_ADDRESSES = ("127.0.0.1:8000", "localhost:8000")
_PYTHON_PATH = os.pathsep.join([str(ROOT), str(ROOT / "clients" / "python")])
_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Example:
    """Code and its output.

    Attributes:
        place: page and line.
        language: `sh`, `python` or `js`.
        code: the code.
        kind: format of `shown`: `json` or `text`.
        shown: the output on the page.
    """

    place: str
    language: str
    code: str
    kind: str
    shown: str


def examples_of(page: Path) -> list[Example]:
    """Return the examples of a page, in order; successive blocks of code share one output.

    Raises:
        ValueError: a fence has another language, or code has no output.
    """
    text = page.read_text()
    found: list[Example] = []
    pending: list[tuple[str, str, str]] = []
    for fence in _FENCE.finditer(text):
        place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, fence.start()) + 1}"
        kind, body = fence["kind"], _dedent(fence["text"], fence["indent"])
        if kind in _CODE:
            pending.append((place, kind, body))
        elif kind in _OUTPUT and pending:
            found += [Example(*code, kind, body) for code in pending]
            pending = []
        else:
            raise ValueError(f"{place}: {kind} is no example; indent text that is not to be run")
    if pending:
        raise ValueError(f"{pending[0][0]}: add a fence with the output")
    return found


def run(example: Example, url: str, folder: Path, key: str) -> str:
    """Run an example in `folder` against the service at `url`, with an API key in KEY.

    Raises:
        AssertionError: a process of it fails.
    """
    _copy_pictures(folder)
    code = example.code
    for address in _ADDRESSES:
        code = code.replace(address, url.removeprefix("http://"))
    if example.language == "python" and "subprocess" not in code:
        # In this process, which has imported the packages already.
        printed = io.StringIO()
        with chdir(folder), patch.dict(os.environ, KEY=key), redirect_stdout(printed):
            exec(compile(code, example.place, "exec"), {"__name__": "__main__"})
        return printed.getvalue()
    command = {
        "sh": ["bash", "-euc", code],
        "python": [sys.executable, "-c", code],
        "js": ["node", "--input-type=module", "--eval", code],
    }[example.language]
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": _PYTHON_PATH, "KEY": key},
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, f"{example.place}: {done.stderr}"
    return done.stdout


def _copy_pictures(folder: Path) -> None:
    """Copy the files that examples use from a checkout, and create the command `numeral`."""
    pictures = [*(ROOT / "docs").glob("*.png"), *(ROOT / "docs").glob("*.jpg")]
    pictures += [*(ROOT / "docs" / "tutorials").rglob("*.[jp][pn]g")]
    pictures += [*(ROOT / "docs" / "examples").rglob("*.*")]
    for file in (ROOT / "README.md", *pictures):
        copy = folder / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    command = folder / "bin" / "numeral"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m service.cli "$@"\n')
    command.chmod(0o755)


def _dedent(text: str, indent: str) -> str:
    return "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
