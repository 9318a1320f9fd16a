"""The cores that a process may use, from a made-up /proc and /sys."""

import os

import pytest

from service.server.system import usable_cores

HERE = len(os.sched_getaffinity(0))


@pytest.fixture
def root(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    return tmp_path


def test_without_a_quota_the_affinity_decides(root):
    assert usable_cores(root) == HERE


@pytest.mark.parametrize(
    ("quota", "cores"), [("50000 100000", 1), ("100000 100000", 1), ("max 100000", HERE)]
)
def test_a_quota_of_version_2(root, quota, cores):
    _write(root / "proc/self/cgroup", "0::/\n")
    _write(root / "sys/fs/cgroup/cpu.max", quota)

    assert usable_cores(root) == cores


@pytest.mark.skipif(HERE < 2, reason="a part of a second core shows only where there is one")
def test_a_part_of_a_core_counts_as_one(root):
    _write(root / "proc/self/cgroup", "0::/\n")
    _write(root / "sys/fs/cgroup/cpu.max", "150000 100000")

    assert usable_cores(root) == 2


def test_the_quota_of_a_group_further_up_holds_too(root):
    _write(root / "proc/self/cgroup", "0::/numeral.slice/numeral.service\n")
    _write(root / "sys/fs/cgroup/numeral.slice/cpu.max", "100000 100000")
    _write(root / "sys/fs/cgroup/numeral.slice/numeral.service/cpu.max", "max 100000")

    assert usable_cores(root) == 1


@pytest.mark.parametrize(("quota", "cores"), [("100000", 1), ("-1", HERE)])
def test_a_quota_of_version_1(root, quota, cores):
    _write(root / "proc/self/cgroup", "4:cpu,cpuacct:/docker/abc\n0::/\n")
    _write(root / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota)
    _write(root / "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")

    assert usable_cores(root) == cores


def test_the_affinity_holds_where_it_allows_less(root):
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert usable_cores(root) == 1
    finally:
        os.sched_setaffinity(0, allowed)


def _write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
