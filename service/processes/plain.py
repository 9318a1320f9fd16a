"""Requests for a single picture that came whole and say nothing out of the ordinary, as bytes."""

import re
from typing import NamedTuple

_BEGINNINGS = (b"POST /predict HTTP/1.1\r\n", b"POST /predict?")

# What most programs and proxies send, one line each. Anything else may have a meaning that is to be
# looked into: a connection's end, a body in chunks, a key, a page of another origin, a trace.
# Possessive all through: a head is seen once from its beginning to where it is not plain.
_HEAD = re.compile(
    rb"POST /predict(?:\?(?P<query>[!\"$-~]{0,512}+))?+ HTTP/1\.1\r\n(?i:(?:"
    rb"(?:host|user-agent|accept-encoding|accept-language):[ -~]*+\r\n"
    rb"|(?:x-forwarded-[a-z]+|x-real-ip):[ -~]*+\r\n"
    rb"|accept: *+\*/\*\r\n"
    rb"|connection: *+keep-alive\r\n"
    rb"|content-type: *+(?P<type>image/[a-z0-9.+-]++|application/octet-stream"
    rb"|multipart/form-data; ?boundary=[!-~]++)\r\n"
    rb"|content-length: *+(?P<length>[0-9]{1,9}+)\r\n"
    rb"|x-request-id: *+(?P<id>[a-z0-9._-]{1,128}+)\r\n"
    rb")*+)\r\n"
)
_SINGLE = (b"\r\ncontent-length:", b"\r\ncontent-type:")


class PlainRequest(NamedTuple):
    """What such a request says.

    Attributes:
        query: after the question mark.
        content_type: empty where it names none.
        request_id: the caller's own; empty where it names none.
        body: all of it.
    """

    query: bytes
    content_type: bytes
    request_id: bytes
    body: bytes


def may_be_plain(data: bytes) -> bool:
    """Whether it is worth looking closer at `data`, with which a request begins."""
    return data.startswith(_BEGINNINGS)


def plain_request(data: bytes) -> PlainRequest | None:
    """The request that `data` is, to the last byte; None where it is not, or no plain one."""
    found = _HEAD.match(data)
    if found is None:
        return None
    query, content_type, length, request_id = found.group("query", "type", "length", "id")
    body = data[found.end() :]
    if length is None or int(length) != len(body):
        return None
    head = data[: found.end()].lower()
    if any(head.count(name) > 1 for name in _SINGLE):
        return None
    return PlainRequest(query or b"", content_type or b"", request_id or b"", body)
