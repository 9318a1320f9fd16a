"""`numeral score`, cut off in every way: no row is lost, and none comes twice."""

import json
import os
import resource
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.command import PATIENCE_SECONDS, numeral, start, surroundings
from tests.e2e.running import COMMAND, wait_for
from tests.generated import drawn_digits
from tests.scoring.tables import read_table

PICTURES = 20_000

# About, of 512 rows.
BYTES_OF_A_TASK = 50_000
MODEL = ("--model", "mlp", "--preprocess", "none")

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for processes")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A folder with an array of many digits, and the rows that it has."""
    folder = tmp_path_factory.mktemp("digits")
    np.save(folder / "digits.npy", np.resize(drawn_digits(200, seed=3).images, (PICTURES, 28, 28)))
    assert (
        numeral("score", "digits.npy", *MODEL, "--out", "whole.csv", folder=folder).returncode == 0
    )
    return folder


@pytest.fixture
def folder(tmp_path, digits):
    (tmp_path / "digits.npy").symlink_to(digits / "digits.npy")
    return tmp_path


def _score(folder, *options, out="some.csv", workers=2):
    arguments = ("score", "digits.npy", *MODEL, "--out", out, "--workers", workers, *options)
    return numeral(*arguments, folder=folder)


def _begin(folder, *options, tasks=1, out="some.csv", workers=2):
    """Start it, and wait until the rows of so many tasks are on the disk."""
    arguments = ("score", "digits.npy", *MODEL, "--out", out, "--workers", workers, *options)
    running = start(*arguments, folder=folder)
    checkpoint = folder / f"{out}.parts"
    wait_for(
        lambda: (
            (checkpoint.exists() and checkpoint.stat().st_size > tasks * BYTES_OF_A_TASK)
            or running.poll() is not None
        )
    )
    assert running.poll() is None
    return running


@needs_proc
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_again_and_again_it_ends_with_the_same_table(folder, digits, workers):
    all_children = []
    for tasks in (1, 4, 12):
        running = _begin(folder, tasks=tasks, workers=workers)
        children = _children(running.pid)
        all_children += children
        running.kill()
        running.communicate(timeout=PATIENCE_SECONDS)
        assert running.returncode == -signal.SIGKILL
        assert not (folder / "some.csv").exists()
        for child in children:
            wait_for(partial(_has_ended, child))
    # A later run may be killed before it has any, as the parts waited for are those of the first.
    assert workers == 1 or all_children

    result = _score(folder, workers=workers)

    assert result.returncode == 0, result.stderr
    assert b"by a run before" in result.stderr
    assert (folder / "some.csv").read_bytes() == (digits / "whole.csv").read_bytes()
    assert not (folder / "some.csv.parts").exists()


@pytest.mark.parametrize("out", ["some.parquet", "some.jsonl"])
def test_every_format_goes_on(folder, digits, out):
    if out.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    running = _begin(folder, tasks=2, out=out)
    running.kill()
    running.communicate(timeout=PATIENCE_SECONDS)

    assert _score(folder, out=out).returncode == 0
    assert read_table(folder / out) == read_table(digits / "whole.csv")


@needs_proc
def test_a_worker_minds_no_ctrl_c_even_while_it_starts(folder):
    running = start(
        *("score", "digits.npy", *MODEL, "--out", "some.csv", "--workers", "2"), folder=folder
    )
    # The workers and what tracks their resources.
    wait_for(lambda: len(_children(running.pid)) >= 3 or running.poll() is not None)

    assert [child for child in _children(running.pid) if not _minds_no_interrupt(child)] == []
    running.kill()
    running.communicate(timeout=PATIENCE_SECONDS)


@needs_proc
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_say_how_to_go_on(folder, digits, number, status):
    running = _begin(folder)
    children = _children(running.pid)
    # Ctrl-C reaches all processes of the terminal.
    os.killpg(running.pid, number) if number == signal.SIGINT else running.send_signal(number)
    _, said = running.communicate(timeout=PATIENCE_SECONDS)

    assert running.returncode == status
    assert said.decode().startswith(
        "interrupted; finished rows are kept, and the same command resumes"
    )
    assert len(said.splitlines()) == 1
    wait_for(lambda: all(map(_has_ended, children)))
    assert _score(folder).returncode == 0
    assert (folder / "some.csv").read_bytes() == (digits / "whole.csv").read_bytes()


@needs_proc
def test_a_worker_that_dies_ends_it_and_the_same_command_goes_on(folder, digits):
    running = _begin(folder)
    worker = next(child for child in _children(running.pid) if b"spawn_main" in _command(child))
    os.kill(worker, signal.SIGKILL)
    _, said = running.communicate(timeout=PATIENCE_SECONDS)

    assert running.returncode == 4
    assert "--workers" in said.decode()
    assert "the same command resumes" in said.decode()
    assert _score(folder).returncode == 0
    assert (folder / "some.csv").read_bytes() == (digits / "whole.csv").read_bytes()


def test_where_the_disk_is_full_it_says_so_and_the_same_command_goes_on(folder, digits):
    result = subprocess.run(
        [*COMMAND, "score", "digits.npy", *MODEL, "--out", "some.csv"],
        cwd=folder,
        env=surroundings(),
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )

    assert result.returncode == 4
    assert b"the same command resumes" in result.stderr
    assert not (folder / "some.csv").exists()
    assert _score(folder).returncode == 0
    assert (folder / "some.csv").read_bytes() == (digits / "whole.csv").read_bytes()


def test_another_run_is_not_mixed_with_it(folder):
    running = _begin(folder)
    running.kill()
    running.communicate(timeout=PATIENCE_SECONDS)

    other = _score(folder, "--max-error", "0.01")
    anew = _score(folder, "--max-error", "0.01", "--overwrite")

    assert other.returncode == 2
    assert b"another max_error" in other.stderr
    assert anew.returncode == 0
    assert len(read_table(folder / "some.csv")) == PICTURES


@needs_proc
def test_two_runs_at_once_do_not_write_the_same_table(folder, digits):
    first = _begin(folder)
    os.kill(first.pid, signal.SIGSTOP)
    second = _score(folder)
    os.kill(first.pid, signal.SIGCONT)
    first.communicate(timeout=PATIENCE_SECONDS)

    assert second.returncode == 2
    assert b"another run is writing some.csv" in second.stderr
    assert first.returncode == 0
    assert (folder / "some.csv").read_bytes() == (digits / "whole.csv").read_bytes()


def test_a_table_that_is_there_is_replaced_only_if_asked_and_only_by_a_whole_one(folder):
    (folder / "some.csv").write_text("precious")

    refused = _score(folder)
    running = _begin(folder, "--overwrite")
    running.kill()
    running.communicate(timeout=PATIENCE_SECONDS)
    kept = (folder / "some.csv").read_text()
    ended = _score(folder)

    assert refused.returncode == 2
    assert b"--overwrite" in refused.stderr
    assert kept == "precious"
    assert ended.returncode == 0
    assert len(read_table(folder / "some.csv")) == PICTURES


@pytest.mark.parametrize("workers", [1, 2])
def test_a_pipe_that_is_closed_early_ends_it_quietly(folder, workers):
    command = " ".join([*COMMAND, "score", "digits.npy", *MODEL, "--workers", str(workers)])
    script = f"{command} | head -n 1; echo ${{PIPESTATUS[0]}}"

    result = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=surroundings(), capture_output=True, check=True
    )

    row, status = result.stdout.splitlines()
    assert json.loads(row)["member"] == "0"
    assert status == b"141"
    assert result.stderr == b""


def test_a_pipe_has_every_row_in_order(folder):
    result = numeral("score", "digits.npy", *MODEL, "--workers", "3", folder=folder)

    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["member"] for row in rows] == [str(number) for number in range(PICTURES)]


@needs_proc
def test_a_terminal_shows_how_far_it_is_and_a_pipe_nothing_but_rows(folder):
    screen, terminal = os.openpty()
    running = start("score", "digits.npy", *MODEL, folder=folder, stderr=terminal)
    os.close(terminal)
    rows, _ = running.communicate(timeout=PATIENCE_SECONDS)
    shown = _read_all(screen)

    assert running.returncode == 0
    assert all(line.startswith(b"{") for line in rows.splitlines())
    assert "/20000" in shown
    assert "/s" in shown
    assert "20,000 pictures" in shown.splitlines()[-4]


def _read_all(screen: int) -> str:
    shown = b""
    try:
        while more := os.read(screen, 65_536):
            shown += more
    except OSError:
        # So Linux says that nobody has the terminal any more.
        pass
    finally:
        os.close(screen)
    return shown.decode()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _minds_no_interrupt(pid: int) -> bool:
    status = dict(
        line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    blocked_or_ignored = int(status["SigBlk"], 16) | int(status["SigIgn"], 16)
    return bool(blocked_or_ignored & 1 << signal.SIGINT - 1)


def _has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
