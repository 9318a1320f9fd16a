"""Answers that wait in a file leave room on the disk for what others have there."""

import os
from types import SimpleNamespace

import pytest

from service.api.stream.spool import RESERVED_BYTES, Spool

LINE = b"line\n"


@pytest.mark.skipif(not hasattr(os, "fstatvfs"), reason="the system does not say how full it is")
@pytest.mark.parametrize(("spare", "fits"), [(len(LINE), True), (len(LINE) - 1, False)])
def test_a_file_does_not_take_the_last_of_the_disk(spare, fits, monkeypatch):
    disk = SimpleNamespace(f_bavail=RESERVED_BYTES + spare, f_frsize=1)
    monkeypatch.setattr(os, "fstatvfs", lambda _: disk)
    spool = Spool(max_bytes=100)

    assert spool.write(LINE) is fits
    assert spool.is_empty is not fits
    spool.close()
