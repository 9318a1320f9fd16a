"""Whether a Ray cluster can be reached, found out before Ray itself is asked."""

import socket

_PATIENCE_SECONDS = 10.0


class NoCluster(Exception):
    """Ray is not installed, or cannot be started or joined."""


def reach(address: str) -> None:
    """Raise NoCluster where nobody listens at `address`; what has no port, as auto, is let pass."""
    # Ray would try for a minute, and then end the process.
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_SECONDS).close()
    # A port may be past 65535, and a host name break the rules of names.
    except (OSError, OverflowError, UnicodeError) as error:
        raise NoCluster(
            f"no Ray cluster can be reached at {address} ({error}); `ray status` on its head tells"
            " whether it runs"
        ) from error
