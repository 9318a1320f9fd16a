"""The server: sockets, worker processes, signals, and the HTTP protocol."""
