"""An example run as a reader would, beside the pictures that it names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.examples import ROOT, Example

_PATIENCE_SECONDS = 120

_PYTHON_PATH = os.pathsep.join([str(ROOT), str(ROOT / "clients" / "python")])

# The service that the pages speak of.
_ADDRESSES = ("127.0.0.1:8000", "localhost:8000")


def run(example: Example, url: str, folder: Path, key: str) -> str:
    """What it prints, asked of the service at `url`, in `folder`, with the API key in KEY.

    Raises:
        AssertionError: it fails.
    """
    _furnish(folder)
    code = example.code
    for address in _ADDRESSES:
        code = code.replace(address, url.removeprefix("http://"))
    command = {
        "sh": ["bash", "-euc", code],
        "python": [sys.executable, "-c", code],
        "js": ["node", "--input-type=module", "--eval", code],
    }[example.language]
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": _PYTHON_PATH,
            "KEY": key,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_SECONDS,
    )
    assert done.returncode == 0, f"{example.place}: {done.stderr}"
    return done.stdout


def _furnish(folder: Path) -> None:
    """Put there what the examples name of a checkout, and the command `numeral`."""
    files = [*(ROOT / "docs").glob("*.png"), *(ROOT / "docs" / "tutorials").rglob("*.png")]
    for file in (ROOT / "README.md", *files):
        copy = folder / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    command = folder / "bin" / "numeral"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m service.cli "$@"\n')
    command.chmod(0o755)
