"""The sockets that workers listen on."""

import contextlib
import ctypes
import socket
import struct
import sys

BACKLOG = 2048

# Packets that ask for a new connection are dropped, all others pass: of the TCP header's byte 13,
# the flags, look at SYN (a classic BPF program; struct sock_filter in linux/filter.h).
_DROP_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
_PROGRAM = ctypes.create_string_buffer(
    b"".join(struct.pack("@HBBI", *instruction) for instruction in _DROP_SYN)
)
_SO_ATTACH_FILTER = 26


def listen(host: str, port: int) -> socket.socket:
    """Listen on `host` and `port`; port 0 takes a free one.

    Raises:
        OSError: the address cannot be used.
        UnicodeError, TypeError: the host name breaks the rules of names.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def listen_for_each(host: str, port: int, workers: int) -> list[socket.socket]:
    """A socket for each of `workers` on one address, among which the kernel shares out callers.

    With one for all, the first worker to look takes whoever waits, and another one may go idle
    (measured: 37, 19, 7 and 1 of 64 connections). Only Linux shares out; elsewhere it
    is one for all.

    Raises:
        OSError, UnicodeError, TypeError: as `listen` says.
    """
    # Not to be shared with another service on the same port, which this one alone would notice.
    only = listen(host, port)
    if workers == 1 or sys.platform != "linux":
        return [only] * workers
    address, family = only.getsockname(), only.family
    only.close()
    return [
        socket.create_server(address[:2], family=family, backlog=BACKLOG, reuse_port=True)
        for _ in range(workers)
    ]


def url_of(listener: socket.socket) -> str:
    """Where `listener` is reached."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def refuse_newcomers(listener: socket.socket) -> None:
    """Begin no new connection on `listener`, in any process; those that have begun are completed.

    Their callers ask again after a second, and are refused once the socket is closed. On Linux
    alone: elsewhere a connection that comes between the last `accept` and `close` is reset.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _sock_fprog())


def _sock_fprog() -> bytes:
    return struct.pack("@HP", len(_DROP_SYN), ctypes.addressof(_PROGRAM))


def accept_waiting(listener: socket.socket) -> list[socket.socket]:
    """Every connection that waits to be accepted."""
    accepted: list[socket.socket] = []
    with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            accepted.append(connection)
    return accepted
