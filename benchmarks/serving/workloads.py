"""Workloads: what clients send, where to, and with which client."""

import base64
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import pictures
from benchmarks.robustness.conditions import png
from models.mnist import Images

BATCH = 64
_PICTURES = 64
_PHOTOGRAPHS = 4
_BOUNDARY = "numeral-benchmark-boundary"
_FORM = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
_FEW = 4  # connections where a request is large


@dataclass(frozen=True)
class Workload:
    """Requests that a client repeats.

    Attributes:
        name: key in the report.
        path: where they are sent.
        headers: of every request.
        bodies: sent in turn.
        connections: number of requests in flight.
        client: "wrk" or "httpx".
        stand_in: workload of a reference server that does not support this one.
    """

    name: str
    path: str
    headers: dict[str, str]
    bodies: tuple[bytes, ...]
    connections: int = 64
    client: str = "wrk"
    stand_in: str | None = None


def workloads() -> Iterator[Workload]:
    """Yield all workloads: single pictures, batches of 64, a field."""
    images = pictures.mnist_images(_PICTURES)
    files = [png(image) for image in images]
    scans = pictures.scans(_PICTURES)
    yield Workload(
        "MNIST PNG, raw",
        "/predict",
        {"Content-Type": "image/png"},
        tuple(files),
        64,
        "wrk",
        "MNIST PNG, form",
    )
    yield _single("MNIST PNG, form", files)
    yield _single("28x28 drawing, form", pictures.small_drawings(_PICTURES))
    yield _single("100x100 JPEG, form", scans)
    yield _single("100x100 JPEG, form, httpx", scans, 8, "httpx")
    yield _single("canvas PNG, form", pictures.canvas_drawings(_PICTURES))
    yield _single("12-megapixel JPEG, form", pictures.photographs(_PHOTOGRAPHS), _FEW)
    yield _batch("64 MNIST PNGs, form", _FORM, form("files", files))
    texts = [base64.b64encode(file).decode() for file in files]
    kind = {"Content-Type": "application/json"}
    yield _batch("64 MNIST PNGs, JSON", kind, json.dumps({"images": texts}).encode())
    yield _batch("64 MNIST images, npy", {"Content-Type": "application/x-npy"}, npy(images))
    yield Workload(
        "64 MNIST images, v2 binary",
        "/v2/models/{model}/infer",
        *tensor(images),
        _FEW,
        stand_in="64 MNIST PNGs, form",
    )
    fields = tuple(pictures.draw_fields(_PICTURES, height=48))
    yield Workload("field of 8 digits, PNG", "/fields", {"Content-Type": "image/png"}, fields, 8)


def form(field: str, files: Sequence[bytes]) -> bytes:
    """Return a multipart body with `files` under one name."""
    body = b""
    for number, file in enumerate(files):
        body += (
            f"--{_BOUNDARY}\r\nContent-Disposition: form-data; "
            f'name="{field}"; filename="{number}"\r\n\r\n'.encode()
        )
        body += file + b"\r\n"
    return body + f"--{_BOUNDARY}--\r\n".encode()


def npy(images: Images) -> bytes:
    """Return `images` in NumPy's file format."""
    file = io.BytesIO()
    np.save(file, images)
    return file.getvalue()


def tensor(images: Images) -> tuple[dict[str, str], tuple[bytes]]:
    """Return an inference request with binary tensors both ways, as `tritonclient` sends it."""
    image = {"name": "image", "shape": images.shape, "datatype": "UINT8"}
    image["parameters"] = {"binary_data_size": images.nbytes}
    output = {"name": "probabilities", "parameters": {"binary_data": True}}
    document = json.dumps({"inputs": [image], "outputs": [output]}).encode()
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(document)),
    }
    return headers, (document + images.tobytes(),)


def _single(
    name: str, files: Sequence[bytes], connections: int = 64, client: str = "wrk"
) -> Workload:
    bodies = tuple(form("file", [file]) for file in files)
    return Workload(name, "/predict", _FORM, bodies, connections, client)


def _batch(name: str, headers: dict[str, str], body: bytes) -> Workload:
    stand_in = None if headers is _FORM else "64 MNIST PNGs, form"
    return Workload(name, "/predict/batch", headers, (body,), _FEW, stand_in=stand_in)
