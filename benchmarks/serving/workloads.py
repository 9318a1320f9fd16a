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

_PICTURES = 64  # also of a batch
_BOUNDARY = "numeral-benchmark-boundary"
FORM = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
_PNG = {"Content-Type": "image/png"}

# What is compared with a server that does not support a workload.
STAND_INS = {
    "MNIST PNG, raw": "MNIST PNG, form",
    "64 MNIST PNGs, JSON": "64 MNIST PNGs, form",
    "64 MNIST images, npy": "64 MNIST PNGs, form",
    "64 MNIST images, v2 binary": "64 MNIST PNGs, form",
}


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
    """

    name: str
    path: str
    headers: dict[str, str]
    bodies: tuple[bytes, ...]
    connections: int = 16
    client: str = "wrk"


def workloads() -> Iterator[Workload]:
    """Yield all workloads: single pictures, batches of 64, a field."""
    images = pictures.mnist_images(_PICTURES)
    files = [png(image) for image in images]
    scans = pictures.scans(_PICTURES)
    yield Workload("MNIST PNG, raw", "/predict", _PNG, tuple(files))
    yield _single("MNIST PNG, form", files)
    yield _single("28x28 drawing, form", pictures.small_drawings(_PICTURES))
    yield _single("100x100 JPEG, form", scans)
    yield _single("100x100 JPEG, form, httpx", scans, 8, "httpx")
    yield _single("canvas PNG, form", pictures.canvas_drawings(_PICTURES))
    yield _single("12-megapixel JPEG, form", pictures.photographs(2), 4)
    yield _batch("64 MNIST PNGs, form", FORM, form("files", files))
    texts = [base64.b64encode(file).decode() for file in files]
    kind = {"Content-Type": "application/json"}
    yield _batch("64 MNIST PNGs, JSON", kind, json.dumps({"images": texts}).encode())
    yield _batch("64 MNIST images, npy", {"Content-Type": "application/x-npy"}, npy(images))
    yield Workload("64 MNIST images, v2 binary", "/v2/models/{model}/infer", *tensor(images), 4)
    fields = pictures.draw_fields(_PICTURES, height=48)
    yield Workload("field of 8 digits, PNG", "/fields", _PNG, tuple(fields), 8)


def form(field: str, files: Sequence[bytes]) -> bytes:
    """Return a multipart body with `files` under one name."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="1"\r\n\r\n'
    sections = (head.encode() + file + b"\r\n" for file in files)
    return b"".join(sections) + f"--{_BOUNDARY}--\r\n".encode()


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
    name: str, files: Sequence[bytes], connections: int = 16, client: str = "wrk"
) -> Workload:
    bodies = tuple(form("file", [file]) for file in files)
    return Workload(name, "/predict", FORM, bodies, connections, client)


def _batch(name: str, headers: dict[str, str], body: bytes) -> Workload:
    return Workload(name, "/predict/batch", headers, (body,), 4)
