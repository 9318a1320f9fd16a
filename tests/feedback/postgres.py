"""A PostgreSQL server of the tests' own, where its programs are installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Debian puts them beside no other programs.
_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


@contextmanager
def run_postgres() -> Iterator[str]:
    """A server that listens on a socket in a folder of its own; the URL of its database.

    Where it is not installed the test is skipped.
    """
    pytest.importorskip("psycopg", reason="needs the extra 'postgres'")
    path = os.pathsep.join([os.environ["PATH"], *map(str, _FOLDERS)])
    initdb, server = (shutil.which(name, path=path) for name in ("initdb", "pg_ctl"))
    if not initdb or not server:
        pytest.skip("PostgreSQL is not installed here: apt-get install postgresql")
    # PostgreSQL refuses to run as root.
    user = ["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="numeral-postgres-") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, "nobody")
        data = folder / "data"
        _do(*user, initdb, "--pgdata", data, "--username", "numeral", "--no-sync")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        log = folder / "log"
        _do(*user, server, "-D", data, "-l", log, "-o", options, "-w", "start")
        try:
            yield f"postgresql://numeral@/postgres?host={folder}"
        finally:
            _do(*user, server, "-D", data, "-m", "immediate", "stop")


def _do(*command: object) -> None:
    done = subprocess.run(
        list(map(str, command)),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
