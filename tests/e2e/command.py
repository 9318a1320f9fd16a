"""The command `numeral` in a process of its own, as a shell starts it."""

import os
import subprocess
from pathlib import Path

from models.manifest import PACKAGE_DIRECTORY
from tests.e2e.running import COMMAND

PATIENCE_SECONDS = 120.0


def numeral(*arguments: object, folder: Path | None = None, stdin: bytes = b"", **environment: str):
    """Run `numeral` in `folder` until it ends; what it printed is text."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
        cwd=folder,
        env=surroundings(**environment),
    )


def start(*arguments: object, folder: Path, **options: object) -> subprocess.Popen[bytes]:
    """Start `numeral` in `folder`, at the head of a process group of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=surroundings(),
        process_group=0,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def surroundings(**environment: str) -> dict[str, str]:
    """The environment of a command that runs in another folder."""
    return {**os.environ, "PYTHONPATH": str(PACKAGE_DIRECTORY.parent), **environment}
