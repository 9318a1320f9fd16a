"""Temporary directories: what killed processes leave is removed, and nothing else."""

import os
import subprocess
import sys
import time

import pytest

from service.temporary import locked, temporary_directory

PREFIX = "numeral-test-"

HOLDER = """
import sys
from pathlib import Path
from service.temporary import locked

with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    input()
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def folder(temporary):
    made = temporary / f"{PREFIX}a"
    made.mkdir()
    (made / "counter_1.db").write_bytes(b"x")
    _age(made)
    return made


def test_a_directory_lasts_as_long_as_the_block(temporary, folder):
    with temporary_directory(PREFIX) as made:
        assert made.parent == temporary
        assert made.is_dir()
        assert not folder.exists()

    assert not list(temporary.iterdir())


def test_a_locked_directory_stays_until_its_process_is_killed(folder):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    holder.stdout.readline()

    _make_another()
    assert (folder / "counter_1.db").exists()

    holder.kill()
    holder.communicate()
    _make_another()
    assert not folder.exists()


def test_a_young_directory_stays_as_it_may_not_be_locked_yet(folder):
    os.utime(folder)

    _make_another()

    assert folder.exists()


def test_links_and_directories_of_other_users_stay(temporary, folder, monkeypatch):
    other = temporary / "numeral-other"
    folder.rename(other)
    link = temporary / f"{PREFIX}link"
    link.symlink_to(other)
    _make_another()
    folder.mkdir()
    _age(folder)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)

    _make_another()

    assert link.is_symlink()
    assert (other / "counter_1.db").exists()
    assert folder.exists()


def test_a_second_lock_is_refused(folder):
    with locked(folder), pytest.raises(BlockingIOError), locked(folder):
        pass


def _make_another():
    with temporary_directory(PREFIX):
        pass


def _age(path):
    then = time.time() - 3600
    os.utime(path, (then, then))
