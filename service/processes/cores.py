"""How many cores this process may use, whatever the host has."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

_V2_QUOTA = "cpu.max"
_V1_QUOTA, _V1_PERIOD = "cpu.cfs_quota_us", "cpu.cfs_period_us"


def usable_cores(root: Path = Path("/")) -> int:
    """The least of what the affinity and every CPU quota of the process's cgroups allow.

    A part of a core counts as one. Both versions of cgroups are read, and all groups up to the
    root, as a quota may be set on any of them (a systemd slice, a Kubernetes pod).

    Args:
        root: where /proc and /sys are found.
    """
    quotas = (math.ceil(quota) for quota in _quotas(root))
    return max(1, min(_affinity(), *quotas, os.cpu_count() or 1))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    mount = root / "sys/fs/cgroup"
    for group in _groups(root):
        # In a container the group's path may be the host's; the mount itself is then the group.
        for path in (group, *group.parents):
            folder = path.relative_to("/")
            yield from _quota_v2(mount / folder)
            yield from _quota_v1(mount / "cpu" / folder)


def _groups(root: Path) -> Iterator[Path]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            yield Path(os.path.normpath(path))


def _quota_v2(folder: Path) -> Iterator[float]:
    quota, period = _numbers(folder / _V2_QUOTA) or (0, 0)
    if quota > 0 and period > 0:
        yield quota / period


def _quota_v1(folder: Path) -> Iterator[float]:
    quota, period = _numbers(folder / _V1_QUOTA), _numbers(folder / _V1_PERIOD)
    if quota and period and quota[0] > 0 and period[0] > 0:
        yield quota[0] / period[0]


def _numbers(file: Path) -> tuple[int, ...] | None:
    # Without a limit version 2 says "max", version 1 says -1.
    try:
        return tuple(map(int, file.read_text().split()))
    except (OSError, ValueError):
        return None
