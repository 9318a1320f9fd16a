"""The command `numeral` in this process, as a shell would start it."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from service.cli import app


@dataclass(frozen=True)
class Ended:
    """What a command printed, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


def numeral(
    *arguments: object, folder: Path | None = None, stdin: bytes = b"", **environment: str
) -> Ended:
    """Run `numeral` in `folder`."""
    with contextlib.chdir(folder or Path.cwd()):
        result = CliRunner().invoke(
            app,
            [str(each) for each in arguments],
            input=stdin,
            env=environment,
            prog_name="numeral",
        )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)
