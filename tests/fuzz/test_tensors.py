"""Damaged requests of the Open Inference Protocol, in JSON and binary."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import seeds
from tests.fuzz.damage import bounded, damaged, damaged_json, or_untrue

INFER = "/v2/models/lenet5/infer"
TEMPLATE = "/v2/models/{name}/infer"
INDEX = "/v2/repository/index"

# How far from the truth a length is, or what stands in its place.
LENGTHS = st.integers(-3, 3) | st.sampled_from(
    [
        b"",
        b"-1",
        b"0",
        b"+5",
        b"1e3",
        b"0x10",
        b" 12",
        b"1_0",
        b"9" * 20,
        b"9" * 5000,
        b"\xb2",
        b"\xff",
    ]
)
LIES = (0, 1, 2, -1, 783, 785, 2**31, 2**63 - 1, 2**63, 10**30, 784.0, "784", True, None, [1])
SHORT = st.just(b"") | st.binary(max_size=8)
SHAPES = st.lists(st.sampled_from(LIES), max_size=9)


@bounded
@given(damaged_json(seeds.tensor_in_json()))
def test_a_tensor_in_json(ask, body):
    ask("POST", INFER, body, template=TEMPLATE)


@bounded
@given(st.sampled_from(["image", "image_bytes"]), LENGTHS, st.data())
def test_a_binary_tensor_that_is_not_where_the_header_says(ask, name, length, data):
    request, binary = seeds.binary_tensor(name)
    content = json.dumps(request).encode()
    value = b"%d" % (len(content) + length) if isinstance(length, int) else length
    body = content + data.draw(st.just(binary) | damaged(binary))

    ask("POST", INFER, body, headers=[_length(value)], template=TEMPLATE)


@bounded
@given(st.sampled_from(["image", "image_bytes"]), or_untrue(None, *LIES), SHAPES, st.booleans())
def test_a_binary_tensor_that_lies_about_its_shape_or_size(ask, name, size, shape, in_shape):
    request, binary = seeds.binary_tensor(name)
    [tensor] = request["inputs"]
    if in_shape:
        tensor["shape"] = shape
    if size is not None:
        tensor["parameters"]["binary_data_size"] = size
    content = json.dumps(request).encode()

    headers = [_length(b"%d" % len(content))]
    ask("POST", INFER, content + binary, headers=headers, template=TEMPLATE)


@bounded
@given(st.lists(or_untrue(0, -1, 1, 4, -60, 2**31, 2**32 - 100), min_size=1, max_size=4), SHORT)
def test_files_whose_lengths_lie(ask, lies, more):
    file = seeds.picture()
    binary = b"".join((len(file) + lie).to_bytes(4, "little") + file for lie in lies) + more
    tensor = {"name": "image_bytes", "datatype": "BYTES", "shape": [len(lies)]}
    tensor["parameters"] = {"binary_data_size": len(binary)}
    content = json.dumps({"inputs": [tensor]}).encode()

    headers = [_length(b"%d" % len(content))]
    ask("POST", INFER, content + binary, headers=headers, template=TEMPLATE)


@bounded
@given(damaged_json({"ready": True}))
def test_a_question_for_the_index(ask, body):
    ask("POST", INDEX, body)


def _length(value):
    return (b"Inference-Header-Content-Length", value)
