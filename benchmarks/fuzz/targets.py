"""Functions for a fuzzer to call: each takes any bytes and raises nothing unexpected."""

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.fuzz import seeds
from service.api.answers import to_json
from service.api.bodies import parse_form
from service.api.formats import Item, LineSplitter, parse_json, parse_line, parse_npy
from service.errors import BatchTooLarge, InvalidRequest, MalformedBody
from service.imaging import PictureTooLarge, UnreadableImage, decode, normalise
from service.v2.tensors import parse

_EXPECTED = (MalformedBody, InvalidRequest, BatchTooLarge, PictureTooLarge)
_MAX_BATCH = 8
_MAX_PIXELS = 100_000
_MAX_LINE = 2000


def multipart(data: bytes) -> None:
    """Parse a form; the first line is its Content-Type."""
    content_type, _, body = data.partition(b"\n")
    with contextlib.suppress(*_EXPECTED):
        parts = parse_form(body, content_type.decode("latin-1"), max_parts=_MAX_BATCH)
        assert sum(len(part.content) for part in parts) <= len(body)
        to_json({"ids": [part.filename for part in parts]})


def json_batch(data: bytes) -> None:
    """Parse a JSON batch; its ids must be serialisable."""
    with contextlib.suppress(*_EXPECTED):
        _serialise(parse_json(data, max_batch=_MAX_BATCH))


def ndjson(data: bytes) -> None:
    """Parse NDJSON, whole and in pieces of as many bytes as the first byte says."""
    step, body = max(1, data[0] if data else 1), data[1:]
    whole, piecemeal = LineSplitter(max_bytes=_MAX_LINE), LineSplitter(max_bytes=_MAX_LINE)
    lines = whole.feed(body) + whole.end()
    again = []
    for start in range(0, len(body), step):
        again += piecemeal.feed(body[start : start + step])
    again += piecemeal.end()
    assert list(map(str, again)) == list(map(str, lines))
    _serialise([parse_line(line) for line in lines])


def npy(data: bytes) -> None:
    """Parse an array of pictures."""
    with contextlib.suppress(*_EXPECTED):
        for item in parse_npy(data, max_batch=_MAX_BATCH, max_pixels=_MAX_PIXELS):
            assert item.content.dtype == np.uint8
            assert item.content.ndim == 2


def tensor(data: bytes) -> None:
    """Parse an inference request; the first line is its header length, or empty."""
    header_length, _, body = data.partition(b"\n")
    length = header_length.decode("latin-1") or None
    with contextlib.suppress(*_EXPECTED):
        inference = parse(body, length, max_batch=_MAX_BATCH)
        assert len(inference.content) <= _MAX_BATCH
        to_json({"id": inference.id})


def picture(data: bytes) -> None:
    """Decode and normalise an image file."""
    with contextlib.suppress(UnreadableImage):
        image = normalise(decode(data, max_pixels=_MAX_PIXELS)).image
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8


def _serialise(items: Iterable[Item]) -> None:
    to_json({"ids": [item.id for item in items]})


@dataclass(frozen=True)
class Target:
    """A function to fuzz, and valid inputs to start from."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


def _forms() -> Iterable[bytes]:
    return [f"multipart/form-data; boundary={seeds.BOUNDARY}\n".encode() + seeds.form()]


def _tensors() -> Iterable[bytes]:
    yield b"\n" + json.dumps(seeds.tensor_in_json()).encode()
    for name in ("image", "image_bytes"):
        request, binary = seeds.binary_tensor(name)
        content = json.dumps(request).encode()
        yield b"%d\n%b%b" % (len(content), content, binary)


TARGETS: Mapping[str, Target] = {
    "multipart": Target(multipart, _forms),
    "json": Target(json_batch, lambda: [json.dumps(seeds.batch()).encode()]),
    "ndjson": Target(ndjson, lambda: [b"\x10" + seeds.lines()]),
    "npy": Target(npy, lambda: [seeds.array()]),
    "tensor": Target(tensor, _tensors),
    "picture": Target(picture, seeds.pictures),
}
