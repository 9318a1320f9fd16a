"""The virtual environment of each peer, made from its exact pins when it is first wanted."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PEERS = Path(__file__).with_name("peers")
_STAMP = "made-from"
_VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""


class NoEnvironment(Exception):
    """A peer cannot be installed here."""


def environment(name: str, directory: Path) -> Path:
    """Python of the environment of the peer `name` under `directory`; made if it is not there.

    Raises:
        NoEnvironment: with the last line of what failed.
    """
    requirements = PEERS / name / "requirements.txt"
    home = directory / name
    python = home / "bin" / "python"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    stamp = home / _STAMP
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(home)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--no-input", "-r", str(requirements)])
    stamp.write_text(wanted)
    return python


def versions(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """Versions of `packages` as that Python has them."""
    return json.loads(_run([str(python), "-c", _VERSIONS, *packages]))


def _run(command: list[str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        lines = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
        reason = lines[-1] if lines else f"status {ended.returncode}"
        raise NoEnvironment(f"cannot be installed: {reason}")
    return ended.stdout
