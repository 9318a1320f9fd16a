"""`numeral score`, interrupted in every way: no row is lost, and none comes twice."""

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

from tests.cli.running import numeral
from tests.e2e.command import PATIENCE_SECONDS, start, surroundings
from tests.e2e.running import COMMAND, wait_for
from tests.generated import drawn_digits
from tests.scoring.tables import read_table

PICTURES = 12_000

# About, of 512 rows, four tasks.
BYTES_OF_A_TASK = 50_000
MODEL = ("--model", "mlp", "--preprocess", "none")

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for processes")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A folder with an array of many digits, and the table of them."""
    folder = tmp_path_factory.mktemp("digits")
    np.save(folder / "digits.npy", np.resize(drawn_digits(200, seed=3).images, (PICTURES, 28, 28)))
    assert _score(folder, out="whole.csv").returncode == 0
    return folder


@pytest.fixture
def folder(tmp_path, digits):
    (tmp_path / "digits.npy").symlink_to(digits / "digits.npy")
    return tmp_path


@needs_proc
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_again_and_again_it_ends_with_the_same_table(folder, digits, workers):
    all_children = []
    for tasks in (1, 4, 8):
        running = _begin(folder, tasks=tasks, workers=workers)
        children = _children(running.pid)
        all_children += children
        _kill(running)
        assert running.returncode == -signal.SIGKILL
        assert not (folder / "some.csv").exists()
        for child in children:
            wait_for(partial(_has_ended, child))
    assert workers == 1 or all_children

    result = _score(folder)

    assert "by a run before" in result.stderr
    _assert_complete(folder, digits, result)
    assert not (folder / "some.csv.parts").exists()


@pytest.mark.parametrize("out", ["some.parquet", "some.jsonl"])
def test_every_format_resumes(folder, digits, out):
    if out.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    _kill(_begin(folder, out=out))

    assert _score(folder, out=out).returncode == 0
    assert read_table(folder / out) == read_table(digits / "whole.csv")


@needs_proc
def test_a_worker_ignores_ctrl_c_even_while_it_starts(folder):
    running = start(*_arguments("some.csv", 2), folder=folder)
    # The worker beside it and what tracks its resources.
    wait_for(lambda: len(_children(running.pid)) >= 2 or running.poll() is not None)

    assert [child for child in _children(running.pid) if not _ignores_interrupt(child)] == []
    _kill(running)


@needs_proc
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_say_how_to_resume(folder, digits, number, status):
    running = _begin(folder)
    children = _children(running.pid)
    # Ctrl-C reaches all processes of the terminal.
    os.killpg(running.pid, number) if number == signal.SIGINT else running.send_signal(number)
    _, said = running.communicate(timeout=PATIENCE_SECONDS)

    assert running.returncode == status
    assert said == b"interrupted; finished rows are kept, and the same command resumes\n"
    wait_for(lambda: all(map(_has_ended, children)))
    _assert_complete(folder, digits, _score(folder))


@needs_proc
def test_a_killed_worker_ends_the_run_and_the_same_command_resumes(folder, digits):
    running = _begin(folder)
    worker = next(child for child in _children(running.pid) if b"spawn_main" in _command(child))
    os.kill(worker, signal.SIGKILL)
    _, said = running.communicate(timeout=PATIENCE_SECONDS)

    assert running.returncode == 4
    assert "SIGKILL" in said.decode()
    assert "the same command resumes" in said.decode()
    _assert_complete(folder, digits, _score(folder))


def test_a_full_disk_ends_the_run_and_the_same_command_resumes(folder, digits):
    result = subprocess.run(
        [*COMMAND, *_arguments("some.csv", 2)],
        cwd=folder,
        env=surroundings(),
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )

    assert result.returncode == 4
    assert b"the same command resumes" in result.stderr
    assert not (folder / "some.csv").exists()
    _assert_complete(folder, digits, _score(folder))


def test_a_run_of_another_request_is_not_mixed_with_it(folder):
    _kill(_begin(folder))

    other = _score(folder, "--max-error", "0.01")
    again = _score(folder, "--max-error", "0.01", "--overwrite")

    assert other.returncode == 2
    assert "another max_error" in other.stderr
    assert again.returncode == 0
    assert len(read_table(folder / "some.csv")) == PICTURES


@needs_proc
def test_two_runs_at_once_do_not_write_the_same_table(folder, digits):
    first = _begin(folder)
    os.kill(first.pid, signal.SIGSTOP)
    second = _score(folder)
    os.kill(first.pid, signal.SIGCONT)
    first.communicate(timeout=PATIENCE_SECONDS)

    assert second.returncode == 2
    assert "another run is writing some.csv" in second.stderr
    _assert_complete(folder, digits, first)


def test_a_complete_run_is_repeated_at_no_cost_until_its_sources_change(folder, seven):
    arguments = ("score", ".", *MODEL, "--out", "some.csv")
    first = numeral(*arguments, folder=folder)
    again = numeral(*arguments, folder=folder)
    (folder / "seven.png").write_bytes(seven)
    changed = numeral(*arguments, folder=folder)

    assert (first.returncode, again.returncode, changed.returncode) == (0, 0, 2)
    assert again.stderr == "some.csv is already complete\n"
    assert "other pictures now" in changed.stderr


def test_an_existing_table_is_replaced_only_if_asked_and_only_by_a_complete_one(folder):
    (folder / "some.csv").write_text("precious")

    refused = _score(folder)
    _kill(_begin(folder, "--overwrite"))
    between = (folder / "some.csv").read_text()
    ended = _score(folder)

    assert refused.returncode == 2
    assert "--overwrite" in refused.stderr
    assert between == "precious"
    assert ended.returncode == 0
    assert len(read_table(folder / "some.csv")) == PICTURES


@pytest.mark.parametrize("workers", [1, 2])
def test_a_pipe_that_is_closed_early_ends_it_quietly(folder, workers):
    command = " ".join([*COMMAND, *_arguments("-", workers)])
    script = f"{command} | head -n 1; echo ${{PIPESTATUS[0]}}"

    result = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=surroundings(), capture_output=True, check=True
    )

    row, status = result.stdout.splitlines()
    assert json.loads(row)["member"] == "0"
    assert status == b"141"
    assert result.stderr == b""


@needs_proc
def test_a_terminal_shows_progress_and_a_pipe_has_every_row_in_order(folder):
    screen, terminal = os.openpty()
    running = start(*_arguments("-", 3), folder=folder, stderr=terminal)
    os.close(terminal)
    rows, _ = running.communicate(timeout=PATIENCE_SECONDS)
    shown = _read_all(screen)

    assert running.returncode == 0
    members = [json.loads(line)["member"] for line in rows.splitlines()]
    assert members == [str(number) for number in range(PICTURES)]
    assert "/12000" in shown
    assert "/s" in shown
    assert "12,000 pictures" in shown.splitlines()[-4]


def _arguments(out, workers, *options):
    return ("score", "digits.npy", *MODEL, "--out", out, "--workers", str(workers), *options)


def _score(folder, *options, out="some.csv"):
    return numeral(*_arguments(out, 1, *options), folder=folder)


def _begin(folder, *options, tasks=1, out="some.csv", workers=2):
    """Start it, and wait until the rows of so many tasks are on the disk."""
    running = start(*_arguments(out, workers, *options), folder=folder)
    checkpoint = folder / f"{out}.parts"
    wait_for(
        lambda: (
            (checkpoint.exists() and checkpoint.stat().st_size > tasks * BYTES_OF_A_TASK)
            or running.poll() is not None
        )
    )
    assert running.poll() is None
    return running


def _kill(running):
    running.kill()
    running.communicate(timeout=PATIENCE_SECONDS)


def _assert_complete(folder, digits, ended):
    assert ended.returncode == 0, ended.stderr
    assert (folder / "some.csv").read_bytes() == (digits / "whole.csv").read_bytes()


def _read_all(screen: int) -> str:
    shown = b""
    try:
        while more := os.read(screen, 65_536):
            shown += more
    except OSError:
        # Linux says so that no process has the terminal any more.
        pass
    finally:
        os.close(screen)
    return shown.decode()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _ignores_interrupt(pid: int) -> bool:
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
