"""Every error of the Open Inference Protocol over a real socket: the status, and that it helps."""

import base64
import json
import shutil
import struct

import httpx
import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest

CARD = load_manifest(PACKAGE_DIRECTORY).models[0]
INFER = f"/v2/models/{CARD.name}/infer"
LENGTH = "Inference-Header-Content-Length"
PIXELS = [0] * 784


@pytest.mark.parametrize(
    ("tensor", "says"),
    [
        ({"name": "picture"}, "image and image_bytes"),
        ({"datatype": "FP32"}, "image: must be UINT8 [N, 28, 28]"),
        ({"datatype": "BYTES"}, "the request says BYTES [1, 28, 28]"),
        ({"shape": [28, 28]}, "[28, 28]"),
        ({"shape": [1, 1, 28, 28]}, "[N, 28, 28]"),
        ({"shape": [1, 28, 27]}, "[1, 28, 27]"),
        ({"shape": []}, "[N, 28, 28]"),
        ({"shape": [0, 28, 28], "data": []}, "N at least 1"),
        ({"shape": [-1, 28, 28]}, "N at least 1"),
        ({"shape": [-1, -28, 28]}, "[-1, -28, 28]"),
        ({"shape": [1, 2**62, 2**62]}, "[N, 28, 28]"),
        ({"shape": [2**64, 28, 28]}, "inputs.0.shape.0"),
        ({"shape": [1.5, 28, 28]}, "inputs.0.shape.0"),
        ({"shape": [True, 28, 28]}, "inputs.0.shape.0"),
        ({"shape": ["1", 28, 28]}, "inputs.0.shape.0"),
        ({"shape": "1,28,28"}, "inputs.0.shape"),
        ({"shape": [1] * 9}, "inputs.0.shape"),
        ({"data": PIXELS[1:]}, "has 783 values, the shape [1, 28, 28] says 784"),
        ({"data": [*PIXELS, 0]}, "has 785 values"),
        ({"data": []}, "has 0 values"),
        ({"data": [256, *PIXELS[1:]]}, "from 0 to 255"),
        ({"data": [-1, *PIXELS[1:]]}, "from 0 to 255"),
        ({"data": [0.5, *PIXELS[1:]]}, "whole numbers"),
        ({"data": ["0", *PIXELS[1:]]}, "whole numbers"),
        ({"data": [None, *PIXELS[1:]]}, "whole numbers"),
        ({"data": [[*PIXELS]]}, "nested as [1, 28, 28]"),
        ({"data": [[[0] * 28] * 27 + [[0] * 27, 0]]}, "nested as [1, 28, 28]"),
        ({"data": {"0": 0}}, "a list as `data`"),
        ({"data": "0"}, "a list as `data`"),
        ({"data": None}, "`data` is absent"),
        ({"parameters": {"binary_data_size": 784}}, "0 bytes follow the JSON, and `data` is there"),
        ({"parameters": {"binary_data_size": -1}}, "parameters.binary_data_size"),
        ({"parameters": {"shared_memory_region": "a"}}, "shared_memory_region"),
        ({"content": "x"}, "inputs.0.content"),
    ],
)
def test_a_tensor_that_is_not_as_it_should_be(server, tensor, says):
    assert says in _expect(_infer(server, _request(**tensor)), 400)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "has 0 elements, the shape says 1"),
        (["eA==", "eA=="], "has 2 elements, the shape says 1"),
        ([7], "image_bytes: [0] must be a text"),
        (["?"], "image_bytes: [0]: the image is not valid Base64"),
        (["data:image/png;base64"], "`data:` URL"),
        (["eA=="], "image_bytes[0]"),
    ],
)
def test_files_in_json_that_are_not_as_they_should_be(server, data, says):
    tensor = {"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": data}

    assert says in _expect(_infer(server, {"inputs": [tensor]}), 400)


@pytest.mark.parametrize(
    ("binary", "says"),
    [
        (b"", "[0] of 2 elements ends past the binary data"),
        (b"\x01\x00", "[0] of 2 elements ends past the binary data"),
        (struct.pack("<I", 2**32 - 1) + b"x", "[0] of 2 elements ends past the binary data"),
        (struct.pack("<I", 1) + b"x", "[1] of 2 elements ends past the binary data"),
        (struct.pack("<IcIcI", 1, b"x", 1, b"x", 0), "bytes after its 2 elements"),
    ],
)
def test_binary_files_that_are_not_as_they_should_be(server, binary, says):
    tensor = {
        "name": "image_bytes",
        "shape": [2],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(binary)},
    }

    assert says in _expect(_infer_binary(server, {"inputs": [tensor]}, binary), 400)


def test_a_binary_tensor_that_its_shape_does_not_fit(server):
    request = _request(data=None, parameters={"binary_data_size": 783})

    error = _expect(_infer_binary(server, request, bytes(783)), 400)

    assert "has 783 values, the shape [1, 28, 28] says 784" in error


@pytest.mark.parametrize("sent", [0, 783, 785])
def test_binary_data_that_is_not_as_long_as_it_says(server, sent):
    request = _request(data=None, parameters={"binary_data_size": 784})

    error = _expect(_infer_binary(server, request, bytes(sent)), 400)

    assert f"binary_data_size is 784, {sent} bytes follow the JSON" in error


def test_binary_data_that_nothing_speaks_of(server):
    error = _expect(_infer_binary(server, _request(), bytes(10)), 400)

    assert "binary_data_size is absent, 10 bytes follow the JSON" in error


@pytest.mark.parametrize("length", ["-1", "x", "", "1e2", "99999", "9" * 5000, "\u00b2", "0"])
def test_a_header_length_that_the_json_has_not(server, length):
    body = json.dumps(_request()).encode()

    response = httpx.post(
        f"{server}{INFER}", content=body, headers={LENGTH: length.encode("latin-1")}
    )

    _expect(response, 400)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["bad"], ["image_bytes[0]"]),
        (["good", "bad", "good", "half"], ["image_bytes[1]", "image_bytes[3]"]),
    ],
)
def test_a_file_that_cannot_be_read_is_named(server, seven, files, says):
    contents = {"good": seven, "bad": b"no picture", "half": seven[: len(seven) // 2]}

    error = _expect(_infer(server, _files([contents[each] for each in files])), 400)

    assert all(each in error for each in says)
    assert "image_bytes[2]" not in error


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": 7}, "id"),
        ({"id": "x" * 257}, "id"),
        ({"inputs": None}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [7]}, "inputs.0"),
        ({"inputs": {"image": 1}}, "inputs"),
        ({"model": "mlp"}, "model"),
        ({"outputs": [{"name": "label"}]}, "'label' is not known; there are logits"),
        ({"outputs": [{"name": "digit"}] * 2}, "'digit' is given more than once"),
        ({"outputs": ["digit"]}, "outputs.0"),
        ({"outputs": [{"name": "digit", "parameters": {"binary_data": 1}}]}, "binary_data"),
        ({"outputs": [{"name": "digit", "parameters": {"classification": 3}}]}, "classification"),
        ({"parameters": {"maxerror": 0.1}}, "parameters.maxerror"),
        ({"parameters": {"max_error": 2}}, "parameters.max_error"),
        ({"parameters": {"max_error": "0.1"}}, "parameters.max_error"),
        ({"parameters": {"max_error": 1e-9}}, "was not shown to keep"),
        ({"parameters": {"preprocess": "always"}}, "parameters.preprocess"),
        ({"parameters": {"preprocess": "auto"}}, "send `image_bytes`"),
        ({"parameters": {"binary_data_output": "yes"}}, "parameters.binary_data_output"),
        ({"parameters": [1] * 2000}, "more than 1000 values"),
    ],
)
def test_a_request_that_is_not_as_it_should_be(server, changes, says):
    assert says in _expect(_infer(server, _request() | changes), 400)


def test_two_inputs(server):
    request = {"inputs": _request()["inputs"] * 2}

    assert "inputs" in _expect(_infer(server, request), 400)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1]", b"7", b"[" * 900, b"NaN"])
def test_a_body_that_is_no_request(server, body):
    _expect(httpx.post(f"{server}{INFER}", content=body), 400)


@pytest.mark.parametrize("body", [b"[]," * 4_000_000, b'{"a":1},' * 2_000_000, b"[" * 16_000_000])
def test_a_body_of_more_values_than_any_request_has(server, body):
    assert "more values" in _expect(httpx.post(f"{server}{INFER}", content=body, timeout=30), 413)


def test_a_batch_past_its_limit(server):
    assert "limit is 1024" in _expect(_infer(server, _request(shape=[1025, 28, 28])), 413)


def test_a_body_past_its_limit(server):
    response = httpx.post(f"{server}{INFER}", content=bytes(16 * 1024 * 1024 + 1))

    assert "Body too large" in _expect(response, 413)


def test_a_compressed_body(server):
    response = httpx.post(f"{server}{INFER}", content=b"x", headers={"Content-Encoding": "gzip"})

    assert "uncompressed" in _expect(response, 415)


@pytest.mark.parametrize("resource", ["", "/ready", "/stats"])
@pytest.mark.parametrize("model", ["vgg", f"{CARD.name}/versions/1"])
def test_an_unknown_model_or_version(server, model, resource):
    _expect(httpx.get(f"{server}/v2/models/{model}{resource}"), 404)


def test_another_path(server):
    assert "No such path" in _expect(httpx.get(f"{server}/v2/model/{CARD.name}"), 404)
    _expect(httpx.post(f"{server}/v2/repository/models/{CARD.name}/load"), 404)


def test_a_path_that_only_begins_alike_is_not_the_protocols(server):
    response = httpx.get(f"{server}/v2x")

    assert response.headers["Content-Type"] == "application/problem+json"


def test_another_method(server):
    response = httpx.get(f"{server}{INFER}")

    _expect(response, 405)
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"ready": 1}', b'{"all": true}', b" " * 2000])
def test_an_index_that_is_asked_for_wrongly(server, body):
    _expect(httpx.post(f"{server}/v2/repository/index", content=body), 400)


def test_a_request_past_its_deadline(start_ready, draw):
    service = start_ready(request_timeout=0.2)

    response = _infer(service.url, _files([draw(1, side=1500)] * 50))

    assert "0.2 s" in _expect(response, 504)
    assert _infer(service.url, _request()).status_code == 200


def test_a_model_that_could_not_be_loaded(start_ready, models_copy):
    (models_copy / CARD.file).write_bytes(b"damaged")
    service = start_ready(models_dir=models_copy)

    _expect(httpx.get(f"{service.url}/v2/models/{CARD.name}/ready"), 503)
    _expect(_infer(service.url, _request()), 503)
    entries = httpx.post(f"{service.url}/v2/repository/index").json()
    assert entries[0]["state"] == "UNAVAILABLE"
    assert "sha256" in entries[0]["reason"]
    ready = httpx.post(f"{service.url}/v2/repository/index", json={"ready": True}).json()
    assert ready == entries[1:]


def test_a_service_without_models(start, tmp_path):
    folder = tmp_path / "nothing"
    folder.mkdir()
    service = start(models_dir=folder)

    service.wait_for(lambda: "not ready" in service.log)

    assert httpx.get(f"{service.url}/v2/health/live").json() == {"live": True}
    for path in ("/v2/health/ready", f"/v2/models/{CARD.name}/ready", "/v2/models/stats"):
        _expect(httpx.get(f"{service.url}{path}"), 503)
    _expect(_infer(service.url, _request()), 503)
    shutil.rmtree(folder)


def _request(**tensor):
    usual = {"name": "image", "shape": [1, 28, 28], "datatype": "UINT8", "data": PIXELS}
    return {"inputs": [usual | tensor]}


def _files(files):
    data = [base64.b64encode(each).decode() for each in files]
    tensor = {"name": "image_bytes", "shape": [len(files)], "datatype": "BYTES", "data": data}
    return {"inputs": [tensor]}


def _infer(server, request):
    return httpx.post(f"{server}{INFER}", json=request, timeout=60)


def _infer_binary(server, request, binary):
    header = json.dumps(request).encode()
    headers = {LENGTH: str(len(header))}
    return httpx.post(f"{server}{INFER}", content=header + binary, headers=headers)


def _expect(response, status):
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Request-ID"]
    error = response.json()
    assert error.keys() == {"error"}
    return error["error"]
