"""Two nodes, and one of them killed half way: what is in the result."""

import os
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pyarrow.parquet

from benchmarks.scaling.memory import family, readers
from benchmarks.scaling.results import Killed
from benchmarks.scaling.speed import command, table_of

if TYPE_CHECKING:
    from benchmarks.scaling.nodes import Nodes

_POLL_SECONDS = 0.05


def kill_a_node(source: Path, pictures: int, model: str, cores: int) -> Killed:
    """Read `source` on two nodes with half of `cores` each; the local engine has read it before."""
    out = source.with_name("killed")
    nodes = _nodes(cores)
    try:
        second = nodes.add(cores - cores // 2)
        options = ("--engine", "ray", "--address", nodes.address)
        began = time.perf_counter()
        with subprocess.Popen(  # noqa: S603
            command(source, out, model, *options), stderr=subprocess.PIPE
        ) as running:
            while (done := _rows(out)) < pictures / 2 and running.poll() is None:
                time.sleep(_POLL_SECONDS)
            if running.poll() is not None:
                told = running.communicate()[1].decode()
                raise RuntimeError(f"numeral score ended before a node was killed: {told}")
            before = len(readers(family(psutil.Process())))
            nodes.kill(second)
            after = len(readers(family(psutil.Process())))
            told = running.communicate()[1].decode()
        if running.returncode:
            raise RuntimeError(f"numeral score ended with status {running.returncode}: {told}")
        seconds = time.perf_counter() - began
    finally:
        nodes.end()
    return _found(out, table_of("local", source), seconds, done, (before, after))


def _nodes(cores: int) -> "Nodes":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # The nodes are all here: nobody else need reach them.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["PYTHONPATH"] = str(Path.cwd())
    # Ray reads these when it is imported.
    from benchmarks.scaling.nodes import Nodes  # noqa: PLC0415

    return Nodes(cores // 2)


def _rows(out: Path) -> int:
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in out.glob("*.parquet"))


def _found(out: Path, local: Path, seconds: float, done: int, workers: tuple[int, int]) -> Killed:
    found, wanted = pyarrow.parquet.read_table(out), pyarrow.parquet.read_table(local)
    times = Counter(_places(found))
    listed = set(_places(wanted))
    return Killed(
        seconds=seconds,
        done_before=done,
        rows=found.num_rows,
        once=sum(count == 1 for count in times.values()),
        missing=len(listed - times.keys()),
        repeated=sum(count > 1 for count in times.values()),
        as_local=found.equals(wanted),
        workers_before=workers[0],
        workers_after=workers[1],
    )


def _places(table: pyarrow.Table) -> list[tuple[str, str]]:
    return list(zip(table["source"].to_pylist(), table["member"].to_pylist(), strict=True))
