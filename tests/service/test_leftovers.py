"""What processes that were killed have left among the temporary files, and what is not theirs."""

import os
import subprocess
import sys
import time

import pytest

from service.leftovers import held, remove_leftovers

PREFIX = "numeral-test-"

HOLDER = """
import sys
from pathlib import Path
from service.leftovers import held

with held(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such locks")


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


def test_what_nobody_holds_is_removed(temporary, folder):
    file = temporary / f"{PREFIX}b"
    file.write_bytes(b"x")
    _age(file)

    remove_leftovers(PREFIX)

    assert not list(temporary.iterdir())


def test_what_is_held_stays_until_its_process_is_killed(folder):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    holder.stdout.readline()

    remove_leftovers(PREFIX)
    assert (folder / "counter_1.db").exists()

    holder.kill()
    holder.communicate()
    remove_leftovers(PREFIX)
    assert not folder.exists()


def test_what_is_young_stays_as_it_may_not_be_held_yet(folder):
    os.utime(folder)

    remove_leftovers(PREFIX)

    assert folder.exists()


def test_what_has_another_name_or_lies_elsewhere_stays(temporary, folder):
    other = temporary / "numeral-other"
    folder.rename(other)
    link = temporary / f"{PREFIX}link"
    link.symlink_to(other)

    remove_leftovers(PREFIX)

    assert link.is_symlink()
    assert (other / "counter_1.db").exists()


def test_what_is_of_another_user_stays(folder, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)

    remove_leftovers(PREFIX)

    assert folder.exists()


def test_who_holds_removes_nothing_of_its_own(folder):
    with held(folder):
        remove_leftovers(PREFIX)

        assert folder.exists()


def _age(path):
    then = time.time() - 3600
    os.utime(path, (then, then))
