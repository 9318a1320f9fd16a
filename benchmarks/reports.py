"""What all reports share: the machine, the command, Markdown tables, and where files go."""

import os
import platform
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from models.manifest import ManifestError
from models.mnist import TEST, TRAIN, DataError, Digits, load_part

PUBLISHED = Path("docs") / "reports"
DRAFTS = Path("runs") / "reports"
_VALIDATION = 10_000  # of MNIST's training images, the last: the models are not fitted to them

Item = TypeVar("Item")

DataDir = Annotated[
    Path, typer.Option(envvar="NUMERAL_DATA", help="Folder with MNIST's files and orand-car-a.")
]
ModelsDir = Annotated[Path, typer.Option(help="Folder with manifest.json and the ONNX files.")]
Out = Annotated[Path, typer.Option(help="Folder of the report.")]
Verify = Annotated[bool, typer.Option(help="Check MD5 sums; --no-verify for digits of your own.")]


def command() -> str:
    """Return the command line of this run."""
    return shlex.join(["python", *sys.orig_argv[1:]])


def machine() -> str:
    """Name the processor, the number of processors and the Python version."""
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    processor = named[1] if named else platform.machine()
    return f"{processor}, {os.cpu_count()} processors, Python {platform.python_version()}"


class Record(BaseModel):
    """Base of all figures that are written as JSON."""

    model_config = ConfigDict(frozen=True)


class Report(Record):
    """Base of all figures of one run."""

    command: str = Field(default_factory=command)
    machine: str = Field(default_factory=machine)


class Split(StrEnum):
    """Which of MNIST's digits make up the pictures.

    Use `train` (the validation part of the training set) while developing. `test` is for the
    published table alone: choices made on test digits make its figures too good.
    """

    TRAIN = "train"
    TEST = "test"

    def folder(self, out: Path | None) -> Path:
        """Return the folder of a report: only figures on test digits are published."""
        return out or (PUBLISHED if self is Split.TEST else DRAFTS)

    def load(self, data_dir: Path, *, verify: bool = True) -> Digits:
        """Load the digits from MNIST's files in `data_dir`.

        Raises:
            DataError: a file is missing or damaged.
        """
        if self is Split.TEST:
            return load_part(data_dir, TEST, verify=verify)
        return load_part(data_dir, TRAIN, verify=verify)[-_VALIDATION:]


SplitOption = Annotated[
    Split, typer.Option(help="Digits to read: train while developing, test to publish.")
]
SplitOut = Annotated[
    Path | None, typer.Option("--out", help="Folder of the report. [default: by the split]")
]


def progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """Yield `items`, with a bar on the standard error."""
    return track(items, what, total, console=Console(stderr=True))


def run(app: typer.Typer, *errors: type[Exception]) -> None:
    """Run a command; print an error of these types as one line and exit with status 1."""
    try:
        app()
    except (DataError, ManifestError, *errors) as error:
        sys.exit(f"error: {error}")


def header(*columns: str) -> Iterator[str]:
    """Yield the two lines above a table; all columns but the first align to the right."""
    yield row(*columns)
    yield row("---", *("---:" for _ in columns[1:]))


def row(*cells: object) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def write(folder: Path, name: str, lines: Iterable[str], figures: Record) -> None:
    """Write and print the report `name`.md, with `figures` beside it as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    page = "\n".join(lines).rstrip() + "\n"
    (folder / f"{name}.md").write_text(page)
    (folder / f"{name}.json").write_text(figures.model_dump_json(indent=1) + "\n")
    Console().print(Markdown(page))
    print(f"written: {folder / name}.md, {folder / name}.json")
