"""Which requests are plain, and that the server's parser reads the same in them."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.processes.plain import may_be_plain, plain_request

HEADERS = {
    "Host": "test",
    "User-Agent": "a program/1.0 (with a comment)",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "X-Forwarded-For": "10.0.0.1",
    "Content-Type": "image/png",
    "X-Request-ID": "Mine.1",
}


def request(body=b"picture", query="", *, length=None, start="POST /predict", **headers):
    lines = {**HEADERS, "Content-Length": len(body) if length is None else length}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"{start}{query} HTTP/1.1\r\n{head}\r\n".encode() + body


def test_a_plain_request_is_taken_apart():
    plain = plain_request(request(query="?model=cnn&max_error=0.01"))

    assert plain.query == b"model=cnn&max_error=0.01"
    assert plain.content_type == b"image/png"
    assert plain.request_id == b"Mine.1"
    assert plain.body == b"picture"


@pytest.mark.parametrize(
    "content_type",
    ["image/jpeg", "IMAGE/PNG", "application/octet-stream", "multipart/form-data; boundary=x"],
)
def test_what_a_picture_comes_as_is_plain(content_type):
    assert plain_request(request(Content_Type=content_type)).content_type == content_type.encode()


def test_what_is_not_said_is_empty():
    plain = plain_request(request(Content_Type=None, X_Request_ID=None))

    assert plain == (b"", b"", b"", b"picture")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Connection", "close"),
        ("Transfer_Encoding", "chunked"),
        ("Expect", "100-continue"),
        ("Origin", "https://forms.example"),
        ("Authorization", "Bearer key"),
        ("X-API-Key", "key"),
        ("Content_Encoding", "gzip"),
        ("Content_Type", "application/json"),
        ("Content_Type", "image/png; q=1"),
        ("Accept", "text/html"),
        ("X_Request_ID", "no id at all"),
        ("traceparent", "00-1-1-00"),
        ("Upgrade", "h2c"),
        ("User_Agent", "caf\xe9"),
        ("Transfer-Encoding ", "chunked"),
        ("Host", "test\r\n folded"),
        ("Host", "test\nContent-Length: 1"),
    ],
)
def test_anything_out_of_the_ordinary_is_not_plain(name, value):
    assert plain_request(request(**{name: value})) is None


@pytest.mark.parametrize(
    "data",
    [
        request(length=6),
        request(length=8),
        request(length=None) + b"POST /predict HTTP/1.1\r\n",
        request(start="GET /predict"),
        request(start="post /predict"),
        request(start="POST /predict/batch"),
        request(query="?model=cnn#there"),
        request(query="? model"),
        request().replace(b"HTTP/1.1", b"HTTP/1.0"),
        request().replace(b"\r\n\r\n", b"\r\nContent-Length: 7\r\n\r\n"),
        request().replace(b"\r\n\r\n", b"\r\ncontent-type: image/bmp\r\n\r\n"),
        request().replace(b"\r\n", b"\n"),
        request()[:60],
    ],
)
def test_what_is_not_one_whole_request_is_not_plain(data):
    assert plain_request(data) is None


def test_only_requests_for_a_single_picture_are_worth_a_look():
    assert may_be_plain(request())
    assert may_be_plain(request(query="?model=cnn"))
    assert not may_be_plain(request(start="POST /predict/batch"))
    assert not may_be_plain(request(start="GET /predict"))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "lines",
    [
        b"X-Real-IP: a\r\n" * 200 + b"Origin: a\r\n",
        b"X-Real-IP: a\r\n" * 200,
        b"Host:" + b" " * 60_000,
    ],
)
@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_a_head_that_is_not_plain_is_seen_to_be_so_at_once(lines, end):
    assert plain_request(b"POST /predict HTTP/1.1\r\n" + lines + end) is None


def test_a_long_query_is_not_plain():
    assert plain_request(request(query="?" + "a" * 512)) is not None
    assert plain_request(request(query="?" + "a" * 513)) is None


class Parsed:
    """What the server's parser reads."""

    def __init__(self, data):
        self.url = self.body = b""
        self.headers = []
        self.complete = 0
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(data)
        self.method = parser.get_method()
        self.keeps_alive = parser.should_keep_alive()

    def on_url(self, url):
        self.url += url

    def on_header(self, name, value):
        self.headers.append((name.lower(), value))

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.complete += 1


PIECES = [
    *(f"{name}: {value}\r\n" for name, value in HEADERS.items()),
    *("Content-Length: 7\r\n", "Content-Length: 3\r\n", "content-type:image/gif\r\n"),
    *("Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "Host : test\r\n", "Host:\r\n"),
    *("\r\n", "\n", "\r", " ", "\t", ":", "\0", "x-request-id:  a\r\n", "Accept-Language: de \r\n"),
]


@given(
    st.sampled_from(["", "?", "?model=cnn", "?a=%20&b=\u00e9"]),
    st.lists(st.sampled_from(PIECES), max_size=8),
    st.binary(max_size=9),
)
def test_the_servers_parser_reads_the_same_in_a_plain_request(query, pieces, body):
    head = f"POST /predict{query} HTTP/1.1\r\n{''.join(pieces)}Content-Length: {len(body)}\r\n\r\n"
    data = head.encode() + body

    plain = plain_request(data)

    if plain is not None:
        parsed = Parsed(data)
        headers = dict(parsed.headers)
        assert parsed.method == b"POST"
        assert parsed.url in (b"/predict", b"/predict?" + plain.query)
        assert parsed.complete == 1
        assert parsed.keeps_alive
        assert parsed.body == plain.body == body
        assert headers.get(b"content-type", b"") == plain.content_type
        assert headers.get(b"x-request-id", b"") == plain.request_id
