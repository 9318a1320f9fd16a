"""What the operating system provides: cores, open files, a terminal, sockets."""

import contextlib
import ctypes
import math
import os
import signal
import socket
import struct
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

if sys.platform != "win32":
    import resource

_BACKLOG = 2048

# Drop packets that open a connection and pass all others: look at SYN in byte 13 of the TCP header
# (a classic BPF program; struct sock_filter in linux/filter.h).
_DROP_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
_PROGRAM = ctypes.create_string_buffer(
    b"".join(struct.pack("@HBBI", *instruction) for instruction in _DROP_SYN)
)
_SO_ATTACH_FILTER = 26


def listen(host: str, port: int, workers: int = 1) -> list[socket.socket]:
    """Open a listening socket on one address for each of `workers`; port 0 takes a free port.

    The kernel distributes connections among the sockets. On a single shared socket the first
    worker to wake takes every waiting connection (measured: 37, 19, 7 and 1 of 64). Only Linux
    distributes; other systems share one socket.

    Raises:
        OSError: the address cannot be used.
        UnicodeError, TypeError: the host name is invalid.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without reuse_port this fails if another service uses the port.
    first = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    if workers == 1 or sys.platform != "linux":
        return [first] * workers
    address = first.getsockname()[:2]
    first.close()
    return [
        socket.create_server(address, family=family, backlog=_BACKLOG, reuse_port=True)
        for _ in range(workers)
    ]


def url_of(listener: socket.socket) -> str:
    """Return the base URL of `listener`."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def refuse_new_connections(listener: socket.socket) -> None:
    """Ignore new connections to `listener`, in every process; complete those that have begun.

    Clients try again after a second and are refused once the socket is closed. Linux only: on
    other systems, a connection made between the last `accept` and `close` is reset.
    """
    if sys.platform == "linux":
        program = struct.pack("@HP", len(_DROP_SYN), ctypes.addressof(_PROGRAM))
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def accept_waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """Accept every connection that waits on `listener`."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection


def open_files_limit() -> int:
    """Return how many files, sockets included, this process may have open."""
    if sys.platform == "win32":
        return sys.maxsize
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


@contextmanager
def signals_blocked(numbers: Collection[int]) -> Iterator[None]:
    """Start processes in the block that cannot be interrupted before they handle signals."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # The first process would start it, and its start unblocks signals.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Terminal:
    """Tells a SIGHUP for a closed terminal from one that asks for a reload."""

    def __init__(self) -> None:
        # Under nohup the process outlives its terminal.
        ignored = hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        self._existed = _has_terminal() and not ignored

    @property
    def is_closed(self) -> bool:
        """Whether the process had a terminal and lost it."""
        return self._existed and not _has_terminal()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def usable_cores(root: Path = Path("/")) -> int:
    """Return how many cores CPU affinity and cgroup quotas allow; part of a core counts as one.

    Reads both versions of cgroups and every group up to the root: any of them (a systemd slice, a
    Kubernetes pod) may have a quota.

    `root` contains /proc and /sys.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    return max(1, min(cores, *(math.ceil(quota) for quota in _quotas(root)), os.cpu_count() or 1))


def _quotas(root: Path) -> Iterator[float]:
    mount = root / "sys/fs/cgroup"
    for group in _groups(root):
        # In a container the group's path may be the host's; the mount itself is then the group.
        for path in (group, *group.parents):
            folder = path.relative_to("/")
            v1 = mount / "cpu" / folder
            limits = [
                _numbers(mount / folder / "cpu.max"),
                _numbers(v1 / "cpu.cfs_quota_us") + _numbers(v1 / "cpu.cfs_period_us"),
            ]
            yield from (
                limit[0] / limit[1] for limit in limits if len(limit) == 2 and min(limit) > 0
            )


def _groups(root: Path) -> Iterator[Path]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            yield Path(os.path.normpath(path))


def _numbers(file: Path) -> list[int]:
    # An unlimited group says "max" (version 2) or -1 (version 1).
    try:
        return list(map(int, file.read_text().split()))
    except (OSError, ValueError):
        return []
