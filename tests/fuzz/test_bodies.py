"""Damaged bodies of every kind get a documented answer, and disturb nobody."""

import json
from io import BytesIO

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import seeds
from tests.fuzz.conftest import MAX_PIXELS
from tests.fuzz.damage import TOKENS, bounded, damaged, damaged_json, or_untrue

PIECES = st.sampled_from([1, 1, 2, 7])
BOUNDARIES = st.sampled_from(
    [b"b", b"b", b"b", b'"b"', b"", b'"', b"b" * 300, b"\xff", b"a; boundary=b", b"b;" * 50]
)
FORM_TOKENS = (
    *TOKENS,
    *(b"--b", b"\r\n--b\r\n", b"--b--", b'name="files"', b'name="file"', b'name=""', b"name*0*=x"),
    *(b"Content-Disposition: form-data", b"filename*=UTF-8''%ff", b'filename="' + b'\\"' * 100),
    *(b"Content-Transfer-Encoding: base64", b"a: b\r\n" * 50, b"x" * 5000, b";" * 2000),
)
# What a header of the array says, true and then untrue.
DESCRIPTIONS = or_untrue(
    "|u1",
    *("<u1", "|b1", "<f4", "<f8", "|O", "<U3", "|V8", "<M8[s]", "u1", "", 3, None),
    [("a", "|u1"), ("b", "<f4")],
)
SIZES = st.sampled_from([0, 1, 2, 3, 9, 28, -1, 2**31, 2**63, 10**30, True, 1.5])
SHAPES = or_untrue((2, 28, 28), (1, 28, 56), (28, 28, 2), (1568,), 1568, None) | st.lists(
    SIZES, max_size=5
).map(tuple)

SIDES = st.sampled_from([1, 2, 3, 27, 28, 29, 1000, 32_767, 32_768, 65_536, MAX_PIXELS])


@bounded
@given(damaged(seeds.form("file", 1), FORM_TOKENS), BOUNDARIES, PIECES)
def test_a_form_with_one_picture(ask, body, boundary, pieces):
    headers = [(b"Content-Type", b"multipart/form-data; boundary=" + boundary)]

    ask("POST", "/predict", body, headers=headers, pieces=pieces)


@bounded
@given(damaged(seeds.form(), FORM_TOKENS), BOUNDARIES, PIECES)
def test_a_form_with_a_batch(ask, body, boundary, pieces):
    headers = [(b"Content-Type", b"multipart/form-data; boundary=" + boundary)]

    ask("POST", "/predict/batch", body, headers=headers, pieces=pieces)


@bounded
@given(
    damaged_json(seeds.batch()) | damaged(json.dumps(seeds.batch()).encode()),
    st.sampled_from([b"*/*", b"application/x-ndjson"]),
)
def test_a_batch_as_json(ask, body, accept):
    headers = [(b"Content-Type", b"application/json"), (b"Accept", accept)]

    ask("POST", "/predict/batch", body, headers=headers)


@bounded
@given(
    damaged_json(seeds.batch()["images"][1]).map(lambda line: line.replace(b"\n", b"")),
    st.sampled_from([b"*/*", b"application/json"]),
    PIECES,
)
def test_a_damaged_line_leaves_its_neighbours_alone(ask, line, accept, pieces):
    good = json.dumps(seeds.base64_picture()).encode()
    headers = [(b"Content-Type", b"application/x-ndjson"), (b"Accept", accept)]

    answer = ask(
        "POST",
        "/predict/batch",
        b"\n".join([good, line, good]),
        headers=headers,
        pieces=pieces,
    )

    if accept == b"*/*":
        predictions = list(map(json.loads, answer.body.splitlines()))
    else:
        predictions = answer.json()["predictions"]
    assert len(predictions) == (3 if line.strip() else 2)
    assert predictions[0]["digit"] == predictions[-1]["digit"] == 1


@bounded
@given(damaged(seeds.lines()), PIECES)
def test_a_stream_of_lines(ask, body, pieces):
    headers = [(b"Content-Type", b"application/x-ndjson")]

    assert ask("POST", "/predict/batch", body, headers=headers, pieces=pieces).status == 200


@bounded
@given(damaged(seeds.array()))
def test_a_damaged_array(ask, body):
    ask("POST", "/predict/batch", body, headers=[(b"Content-Type", b"application/x-npy")])


@bounded
@given(
    DESCRIPTIONS,
    SHAPES,
    or_untrue(False, True, None, 0),
    or_untrue(b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x00\x00", b"\xff\xff"),
    or_untrue(0, -1, 1, 500, 60_000),
    or_untrue(1568, 0, 1, 784, 1569),
)
def test_an_array_whose_header_lies(ask, description, shape, in_fortran, version, off_by, size):
    header = {"descr": description, "fortran_order": in_fortran, "shape": shape}
    text = repr(header).encode() + b"\n"
    length = (len(text) + off_by).to_bytes(2 if version[0] == 1 else 4, "little")
    body = b"\x93NUMPY" + version + length + text + bytes(size)

    ask("POST", "/predict/batch", body, headers=[(b"Content-Type", b"application/x-npy")])


@bounded
@given(st.sampled_from(list(seeds.pictures())).flatmap(damaged), st.booleans())
def test_a_damaged_picture(ask, picture, as_it_is):
    query = b"preprocess=none" if as_it_is else b""

    ask("POST", "/predict", picture, query=query, headers=[(b"Content-Type", b"image/png")])


@bounded
@given(SIDES, SIDES, st.sampled_from([0, 128, 255]))
def test_an_array_of_odd_proportions(ask, height, width, tone):
    width = max(1, min(width, MAX_PIXELS // height))
    pixels = np.full((1, height, width), tone, np.uint8)
    pixels[0, height // 3 : height // 2, width // 3 : width // 2] = 200
    file = BytesIO()
    np.save(file, pixels)

    answer = ask(
        "POST", "/predict/batch", file.getvalue(), headers=[(b"Content-Type", b"application/x-npy")]
    )

    assert "error" not in answer.json()["predictions"][0]
