"""The command `python -m benchmarks.fuzz`: what strangers send, guided by coverage (atheris).

Each target takes bytes and must raise only what the service answers with a problem, within seconds
and a bound of memory. What it has found stays in `runs/fuzz`, so that the next run goes on from it.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.fuzz_targets import TARGETS
from benchmarks.tables import header, row
from service.extras import how_to_install, is_installed
from service.sizing.machine import machine

# An input may take so long, and the process so much memory, before it counts as found.
_MOST_SECONDS = 10
_MOST_MEGABYTES = 2048
_MOST_BYTES = 8192

_STATUS = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)")

_FAULT = re.compile(r"( === Uncaught Python exception: ===|==\d+==\s?ERROR)[\s\S]*")
_MOST_LOG = 4000

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Run:
    """What became of a target.

    Attributes:
        executions: how often it was called.
        branches: different ones that were taken.
        inputs: those kept because each took another way.
        found: whether one broke the target.
        log: what libFuzzer wrote in the end.
    """

    executions: int
    branches: int
    inputs: int
    found: bool
    log: str


@app.command()
def fuzz(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Of {', '.join(TARGETS)}; all if none is named.")
    ] = None,
    seconds: Annotated[int, typer.Option(min=1, help="For each target.")] = 60,
    folder: Annotated[Path, typer.Option(help="Where inputs are kept.")] = Path("runs/fuzz"),
) -> None:
    """Damage bodies in every way that leads to new branches; ends with 1 if one breaks a target."""
    if not is_installed("atheris"):
        raise typer.BadParameter(
            f"atheris is not installed: {how_to_install('benchmarks')}, on Linux x86_64 and up to"
            " Python 3.13"
        )
    names = names or list(TARGETS)
    if strangers := set(names) - set(TARGETS):
        raise typer.BadParameter(f"{', '.join(sorted(strangers))}: there are {', '.join(TARGETS)}")
    console = Console()
    lines = [*header("target", "executions", "branches", "inputs kept", "broken by")]
    found = False
    for name in names:
        with console.status(f"{name}, {seconds} s"):
            run = run_target(name, folder, seconds)
        found |= run.found
        if run.found:
            console.print(run.log, markup=False, highlight=False)
        counts = (f"{count:,}" for count in (run.executions, run.branches, run.inputs))
        lines.append(row(name, *counts, f"{folder}/{name}-*" if run.found else "nothing"))
    console.print(Markdown("\n".join(lines)))
    console.print(f"{seconds} s each on one core of {machine()}", highlight=False)
    raise typer.Exit(int(found))


def run_target(name: str, folder: Path, seconds: int) -> Run:
    """Run a target for so many `seconds`, its inputs in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    finished = subprocess.run(  # noqa: S603 (ours)
        [
            *(sys.executable, "-m", "benchmarks.fuzz_one", name, str(folder / name)),
            *(f"-max_total_time={seconds}", f"-max_len={_MOST_BYTES}"),
            *(f"-timeout={_MOST_SECONDS}", f"-rss_limit_mb={_MOST_MEGABYTES}"),
            f"-artifact_prefix={folder / name}-",
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    counted = _STATUS.findall(finished.stderr)
    executions, branches, _, inputs = map(int, counted[-1] if counted else (0, 0, 0, 0))
    return Run(executions, branches, inputs, finished.returncode != 0, _fault(finished.stderr))


def _fault(log: str) -> str:
    """The part of libFuzzer's log that says what broke, if anything did."""
    found = _FAULT.search(log)
    return found[0][:_MOST_LOG] if found else log[-_MOST_LOG:]


if __name__ == "__main__":
    app()
