"""A request of the Open Inference Protocol: right, wrong, or random, in bounded memory."""

import contextlib
import json
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.errors import BatchTooLarge, InvalidRequest, MalformedBody
from service.inference.decisions import decide_blank
from service.inference.digits import DigitOptions, Preprocess, Reading
from service.v2.tensors import outputs_of, parse, write

EXPECTED_ERRORS = (MalformedBody, InvalidRequest, BatchTooLarge)
MAX_BATCH = 4
MEBIBYTE = 1024 * 1024

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda values: st.lists(values) | st.dictionaries(st.text(max_size=5), values),
    max_leaves=10,
)
tensors = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["image", "image_bytes"]) | json_values,
        "shape": st.lists(st.integers(-1, 30) | st.just(28), max_size=4) | json_values,
        "datatype": st.sampled_from(["UINT8", "BYTES"]) | json_values,
    },
    optional={
        "data": st.lists(st.integers(-1, 256) | st.text(max_size=5)) | json_values,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 40)})
        | json_values,
    },
)
requests = st.fixed_dictionaries(
    {"inputs": st.lists(tensors, max_size=2) | json_values},
    optional={"id": json_values, "outputs": json_values, "parameters": json_values},
)


def test_pixels_flat_nested_and_binary_are_the_same():
    images = np.arange(2 * 784, dtype=np.uint32).astype(np.uint8).reshape(2, 28, 28)

    flat = _parsed(_image([2, 28, 28], data=images.ravel().tolist()))
    nested = _parsed(_image([2, 28, 28], data=images.tolist()))
    size = {"binary_data_size": images.nbytes}
    binary = _parsed(_image([2, 28, 28], parameters=size), images.tobytes())

    for inference in (flat, nested, binary):
        np.testing.assert_array_equal(inference.content, images)


def test_files_follow_their_lengths():
    files = [b"first", b"", b"third"]
    binary = b"".join(struct.pack("<I", len(each)) + each for each in files)
    tensor = {
        "name": "image_bytes",
        "shape": [3],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(binary)},
    }

    assert _parsed({"inputs": [tensor]}, binary).content == files


def test_a_byte_order_mark_is_skipped():
    request = json.dumps(_image([1, 28, 28], data=[0] * 784)).encode()

    inference = parse(b"\xef\xbb\xbf" + request, None, max_batch=MAX_BATCH)

    assert inference.content.shape == (1, 28, 28)


def test_parameters_become_options():
    parameters = {"max_error": 0.01, "preprocess": "none"}

    inference = _parsed(_image([1, 28, 28], data=[0] * 784) | {"parameters": parameters})

    assert inference.options("mlp") == DigitOptions("mlp", 0.01, Preprocess.NONE)


def test_an_output_is_binary_as_it_says_or_else_as_the_request_says():
    outputs = [
        {"name": "digit"},
        {"name": "logits", "parameters": {"binary_data": False}},
        {"name": "decision", "parameters": {"binary_data": True}},
    ]
    request = _image([1, 28, 28], data=[0] * 784) | {"outputs": outputs}

    usual = _parsed(request).outputs
    binary = _parsed(request | {"parameters": {"binary_data_output": True}}).outputs

    assert [(each.tensor.name, each.binary) for each in usual] == [
        ("digit", False),
        ("logits", False),
        ("decision", True),
    ]
    assert [each.binary for each in binary] == [True, False, True]


def test_what_is_null_is_as_if_it_were_absent():
    nothing = {"id": None, "outputs": None, "parameters": None}
    tensor = {"parameters": None, "data": [0] * 784}

    inference = _parsed(_image([1, 28, 28], **tensor) | nothing)

    assert inference.id is None
    assert len(inference.outputs) == 5


@settings(max_examples=300, deadline=None)
@given(requests, st.binary(max_size=60))
@example({"inputs": [{"name": "image", "shape": [2**63, 28, 28], "datatype": "UINT8"}]}, b"")
@example({"inputs": [], "outputs": [[[[]]]]}, b"\xff" * 8)
def test_any_json_is_read_or_refused(request_, binary):
    _read_or_refused(json.dumps(request_).encode(), binary)


@settings(max_examples=300, deadline=None)
@given(st.binary(), st.none() | st.text(st.characters(codec="latin-1")))
def test_any_bytes_are_read_or_refused(body, header_length):
    with contextlib.suppress(*EXPECTED_ERRORS):
        parse(body, header_length, max_batch=MAX_BATCH)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, MAX_BATCH), st.binary(max_size=40))
def test_any_binary_files_are_read_or_refused(count, binary):
    tensor = {
        "name": "image_bytes",
        "shape": [count],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(binary)},
    }

    _read_or_refused(json.dumps({"inputs": [tensor]}).encode(), binary)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 8 * MEBIBYTE,
        b"[]," * 2 * MEBIBYTE,
        b"{}," * 2 * MEBIBYTE,
        b'{"inputs": [' + b'{"a":{}},' * MEBIBYTE,
        b"{" + b",".join(b'"%d":1' % index for index in range(MEBIBYTE)) + b"}",
        b'{"inputs": [{"data": [' + b"1" * 8 * MEBIBYTE + b"]}]}",
        b'{"id": "' + b"x" * 8 * MEBIBYTE + b'"}',
        b'{"inputs": [{"name": "image", "shape": ['
        + b"1," * MEBIBYTE
        + b'1], "datatype": "UINT8"}]}',
    ],
    ids=lambda body: body[:20].decode(),
)
def test_no_body_takes_many_times_its_size(body):
    tracemalloc.start()
    try:
        with pytest.raises(EXPECTED_ERRORS):
            parse(body, None, max_batch=MAX_BATCH)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 3 * len(body)


def _image(shape, **fields):
    return {"inputs": [{"name": "image", "shape": shape, "datatype": "UINT8", **fields}]}


def test_a_model_that_has_the_output_outlier_returns_it():
    [plain, *_] = load_manifest(PACKAGE_DIRECTORY).models
    rule = plain.outliers.model_copy(update={"scored": True})
    card = plain.model_copy(update={"outliers": rule})
    body = json.dumps(_image([1, 28, 28], data=[0] * 784)).encode()
    reading = Reading(card, decide_blank(), np.zeros(10, np.float32), None, 1.0)

    inference = parse(body, None, max_batch=MAX_BATCH, available=outputs_of(card))
    answer = json.loads(write(inference, card, [reading]).body)

    outputs = {output["name"]: output for output in answer["outputs"]}
    assert outputs["outlier"] == {
        "name": "outlier",
        "datatype": "FP32",
        "shape": [1],
        "data": [1.0],
    }
    wanted = _image([1, 28, 28], data=[0] * 784) | {"outputs": [{"name": "outlier"}]}
    with pytest.raises(InvalidRequest, match="not known"):
        parse(json.dumps(wanted).encode(), None, max_batch=MAX_BATCH, available=outputs_of(plain))


def _parsed(request, binary=b""):
    header = json.dumps(request).encode()
    return parse(header + binary, str(len(header)), max_batch=MAX_BATCH)


def _read_or_refused(header, binary):
    with contextlib.suppress(*EXPECTED_ERRORS):
        inference = parse(header + binary, str(len(header)), max_batch=MAX_BATCH)
        assert 1 <= len(inference.content) <= MAX_BATCH
