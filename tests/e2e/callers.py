"""Clients that send request after request and notice every lost one."""

import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit


@dataclass
class Callers:
    """Clients at work.

    Attributes:
        answers: how often which status came back.
    """

    answers: Counter
    futures: list[Future]

    def wait_until_refused(self) -> Counter:
        """Wait until every client is refused a connection; raise the first other error."""
        for future in self.futures:
            future.result(120)
        return self.answers


@contextmanager
def callers(url: str, body: bytes, *, number: int = 16, keep_alive: bool = True):
    """Run `number` clients that send `body` to /predict again as soon as they have an answer."""
    answers: Counter = Counter()
    lock = threading.Lock()
    address = urlsplit(url)
    headers = {} if keep_alive else {"Connection": "close"}

    def call_until_refused() -> None:
        connection = HTTPConnection(address.hostname, address.port, timeout=60)
        while True:
            if connection.sock is None:
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    return
            connection.request("POST", "/predict", body, headers)
            response = connection.getresponse()
            response.read()
            with lock:
                answers[response.status] += 1

    with ThreadPoolExecutor(number) as pool:
        yield Callers(answers, [pool.submit(call_until_refused) for _ in range(number)])
