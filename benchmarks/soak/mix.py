"""Mixed work: every way to ask, pictures of every kind, and mistakes of many."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.conditions import jpeg, png
from benchmarks.serving import bodies
from benchmarks.serving.bodies import Encode
from benchmarks.soak.exchange import request
from models.mnist import Images

_BATCH = 32
_LARGE_SIDE = 3000
_INFER = "/v2/models/{model}/infer"


@dataclass(frozen=True)
class Question:
    """A whole request, what it is, and the status that its answer must have."""

    kind: str
    status: int
    data: bytes


def mix(url: str, images: Images, model: str) -> Iterator[Question]:
    """One request of each kind."""
    yield from _singles(url, images)
    yield from _batches(url, images, model)
    yield from _mistakes(url, images, model)


def _singles(url: str, images: Images) -> Iterator[Question]:
    for kind, content in (
        ("PNG", png(images[0])),
        ("JPEG", jpeg(_enlarged(images[1], 200))),
        ("TIFF", cv2.imencode(".tiff", _enlarged(images[2], 120))[1].tobytes()),
        ("WebP", cv2.imencode(".webp", _enlarged(images[3], 120))[1].tobytes()),
        ("large JPEG", jpeg(_enlarged(images[4], _LARGE_SIDE))),
        ("large PNG", png(_enlarged(images[5], _LARGE_SIDE))),
    ):
        yield Question(kind, 200, request(url, "/predict", content))
    yield _question("form", 200, url, "/predict", bodies.multipart("file"), images[:1])


def _batches(url: str, images: Images, model: str) -> Iterator[Question]:
    some = images[:_BATCH]
    infer = _INFER.format(model=model)
    for kind, path, encode in (
        ("JSON batch", "/predict/batch", bodies.base64_json),
        ("form batch", "/predict/batch", bodies.multipart("files")),
        ("npy batch", "/predict/batch", bodies.npy),
        ("tensor, JSON", infer, bodies.v2_json),
        ("tensor, binary", infer, bodies.v2_binary),
    ):
        yield _question(kind, 200, url, path, encode, some)
    headers, lines = bodies.ndjson([png(image) for image in some], some)
    # A stream, but with one object for an answer, which says how long it is.
    headers |= {"Accept": "application/json"}
    yield Question("NDJSON batch", 200, request(url, "/predict/batch", lines, headers))
    bad = json.dumps({"images": ["bm8gaW1hZ2U=", "?", 7]}).encode()
    headers = {"Content-Type": "application/json"}
    yield Question("batch of bad items", 200, request(url, "/predict/batch", bad, headers))


def _mistakes(url: str, images: Images, model: str) -> Iterator[Question]:
    picture = png(images[0])
    cut = picture[: len(picture) // 2]
    infer = _INFER.format(model=model)
    as_json = {"Content-Type": "application/json"}
    as_npy = {"Content-Type": "application/x-npy"}
    as_form = {"Content-Type": "multipart/form-data; boundary=b"}
    squeezed = {"Content-Encoding": "gzip"}
    bomb = gzip.compress(bytes(10**6))
    for kind, status, path, body, headers in (
        ("no image", 422, "/predict", b"no image", {}),
        ("nothing", 422, "/predict", b"", {}),
        ("cut PNG", 422, "/predict", cut, {}),
        ("other type", 415, "/predict", picture, {"Content-Type": "text/plain"}),
        ("unknown model", 404, "/predict?model=none", picture, {}),
        ("bad parameter", 422, "/predict?max_error=two", picture, {}),
        ("compressed", 415, "/predict/batch", bomb, squeezed | as_json),
        ("bad JSON", 400, "/predict/batch", b'{"images": [', as_json),
        ("bad npy", 400, "/predict/batch", b"\x93NUMPY\x01\x00", as_npy),
        ("bad form", 400, "/predict/batch", b"--c\r\n", as_form),
        ("bad tensor", 400, infer, b'{"inputs": []}', as_json),
    ):
        yield Question(kind, status, request(url, path, body, headers))


def _question(
    kind: str, status: int, url: str, path: str, encode: Encode, images: Images
) -> Question:
    headers, body = encode([png(image) for image in images], images)
    return Question(kind, status, request(url, path, body, headers))


def _enlarged(image: np.ndarray, side: int) -> np.ndarray:
    return 255 - cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
