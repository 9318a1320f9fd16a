"""A PostgreSQL server that accepts connections and does not answer."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# AuthenticationOk and ReadyForQuery.
_WELCOME = b"R" + struct.pack("!ii", 8, 0) + b"Z" + struct.pack("!ic", 5, b"I")


@contextmanager
def run_silent_server(*, logs_in: bool) -> Iterator[str]:
    """Run the server; with `logs_in`, it completes the login and answers no query."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if logs_in:
            threading.Thread(target=_log_in, args=[server], daemon=True).start()
        yield f"postgresql://numeral@127.0.0.1:{port}/numeral?sslmode=disable&gssencmode=disable"


def _log_in(server: socket.socket) -> None:
    clients = []
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        clients.append(client)
        client.recv(4096)
        client.sendall(_WELCOME)
