"""Two callers of a stream: one takes answers while it sends, the other sends everything first."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from urllib.parse import urlsplit

import httpx

_PATIENCE = 60.0  # seconds
_HEADERS = {"Content-Type": "application/x-ndjson"}

Came = Callable[[int], None]  # told how many answers have come


def at_once(url: str, lines: Iterable[bytes], came: Came) -> int:
    """Take answers while the lines are sent, as curl, aiohttp and `fetch` do; how many came."""
    return asyncio.run(_at_once(url, lines, came))


def one_after_the_other(url: str, lines: Iterable[bytes], came: Came) -> int:
    """Send all lines, then take the answers, as httpx and requests do; how many came."""
    tally = _Tally(came)
    with httpx.stream(
        "POST", url, content=iter(lines), headers=_HEADERS, timeout=_PATIENCE
    ) as response:
        response.raise_for_status()
        for piece in response.iter_raw():
            tally.take(piece)
    return tally.answers


class _Tally:
    """Counts the lines of an answer as its pieces come; a picture that was not read ends it."""

    def __init__(self, came: Came) -> None:
        self.answers = 0
        self._came = came
        self._rest = b""

    def take(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if b'"error"' in line:
                raise RuntimeError(line.decode())
        self.answers += len(lines)
        self._came(self.answers)


async def _at_once(url: str, lines: Iterable[bytes], came: Came) -> int:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        f"POST {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: {_HEADERS['Content-Type']}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )

    async def send() -> None:
        for line in lines:
            writer.write(b"%x\r\n%b\r\n" % (len(line), line))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    sending = asyncio.create_task(send())
    tally = _Tally(came)
    try:
        async for piece in _pieces(reader):
            tally.take(piece)
        await sending
    finally:
        sending.cancel()
        writer.close()
    return tally.answers


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(head.decode())
    while size := int(await reader.readline(), 16):  # the empty last chunk ends it
        yield await reader.readexactly(size)
        await reader.readline()
