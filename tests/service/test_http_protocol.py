"""Requests cut into arbitrary pieces: each is read as it was sent, and answered in order."""

import asyncio
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn import Config
from uvicorn.server import ServerState

from service.server.uvicorn import HttpProtocol
from service.settings import Settings

BODIES = st.sampled_from(
    [b"", b"x", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"0\r\n\r\n" * 3, b"\r"]
)
UPGRADES = st.sampled_from([b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])


@st.composite
def requests(draw):
    """A request, and its body."""
    body, upgrade = draw(BODIES), draw(UPGRADES)
    if not body and draw(st.booleans()):
        return b"GET / HTTP/1.1\r\n%b\r\n" % upgrade, b""
    if draw(st.booleans()):
        head = b"POST / HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (upgrade, len(body))
        return head + body, body
    chunks = [b"%x\r\n%b\r\n" % (len(body), body)] if body else []
    end = draw(st.sampled_from([b"0\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n"]))
    head = b"POST / HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % upgrade
    return head + b"".join(chunks) + end, body


@settings(max_examples=200, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=5), st.lists(st.integers(1, 60), max_size=60))
def test_requests_in_pieces(sent, sizes):
    data = b"".join(request for request, _ in sent)
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]

    answers = asyncio.run(_answers([*filter(None, pieces), *([data] if data else [])]))

    assert answers == [body for _, body in sent]


async def _answers(pieces):
    """The bodies that an application echoes, received in `pieces`."""
    transport = _Transport()
    protocol = HttpProtocol(
        Settings(),
        lambda _: True,
        config=Config(_echo, log_config=None),
        server_state=ServerState(),
        app_state={},
    )
    protocol.connection_made(transport)
    for piece in pieces:
        protocol.data_received(piece)
        assert not protocol.pipeline
        await asyncio.sleep(0)
    for _ in range(200):
        await asyncio.sleep(0)
    assert not protocol.busy
    protocol._unset_keepalive_if_required()
    return [bytes.fromhex(body.decode()) for body in re.findall(rb"<(\w*)>", transport.sent)]


async def _echo(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    answer = b"<%b>" % body.hex().encode()
    headers = [(b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


class _Transport(asyncio.Transport):
    def __init__(self):
        super().__init__({"socket": self})
        self.sent = b""

    def fileno(self):
        return 3

    def getsockname(self):
        return "127.0.0.1", 1

    getpeername = getsockname

    def write(self, data):
        self.sent += data

    def is_closing(self):
        return False

    def pause_reading(self):
        pass

    resume_reading = write_eof = close = pause_reading
