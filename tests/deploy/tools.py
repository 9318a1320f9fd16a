"""Programs of Prometheus' that the tests run."""

import os
import shutil
import sys
from pathlib import Path

import pytest


def find(name: str) -> str | None:
    """The path of a program: beside Python, where `make test` puts it, or wherever else."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", "")]))


def needs(name: str, untested: str) -> pytest.MarkDecorator:
    """Skips tests where `name` is not installed, and says what goes untested."""
    return pytest.mark.skipif(
        find(name) is None,
        reason=f"NO {untested} IS TESTED: {name} is missing (Debian: apt-get install prometheus)",
    )
