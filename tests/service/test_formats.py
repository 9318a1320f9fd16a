"""Batch formats: any body is read or refused in words, and none is trusted."""

import base64
import io
import json
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.api.formats import (
    Item,
    LineSplitter,
    parse_json,
    parse_line,
    parse_lines,
    parse_npy,
    parse_picture,
)
from service.errors import BatchTooLarge, InvalidItem, InvalidRequest, LineTooLong, MalformedBody
from service.imaging import PictureTooLarge

MEBIBYTE = 1 << 20
BODY_LIMIT = 16 * MEBIBYTE
PICTURES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.mark.parametrize(
    ("around", "value"),
    [
        *(('{"images":[%s]}', value) for value in ('""', "{}", "[]", "0", '{"a":0}')),
        ('{"images":[[%s]]}', "{}"),
        ('{"else":[%s]}', "{}"),
    ],
)
def test_a_body_of_millions_of_tiny_values_is_refused_before_it_is_built(value, around):
    body = _filled(around, value, BODY_LIMIT)

    with _memory_below(MEBIBYTE), pytest.raises(BatchTooLarge, match="1024"):
        parse_json(body, max_batch=1024)


@pytest.mark.parametrize("value", ['""', "{}", "[]", '{"a":0}'])
def test_a_body_just_below_that_takes_little_memory(value):
    body = _filled('{"images":[%s]}', value, (len(value) + 1) * 88_000)

    with _memory_below(64 * MEBIBYTE), pytest.raises(BatchTooLarge):
        parse_json(body, max_batch=1024)


def test_a_full_batch_is_read_even_if_its_ids_look_like_json():
    image = {"id": "[{," * 85, "image": "eA=="}

    assert _parse([image] * 50, max_batch=50) == [Item(image["id"], b"x")] * 50


def test_a_byte_order_mark_is_skipped():
    assert parse_json(b'\xef\xbb\xbf{"images": ["eA=="]}', max_batch=1) == [Item(None, b"x")]
    assert parse_lines(b'\xef\xbb\xbf"eA=="\n"eA=="', max_batch=2) == [Item(None, b"x")] * 2


def test_a_json_batch_has_a_limit():
    with pytest.raises(BatchTooLarge, match="holds 4 images, the limit is 3"):
        _parse(["eA=="] * 4, max_batch=3)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (None, "must be an object"),
        (7, "must be an object"),
        ({}, "image: is required"),
        ({"image": None}, "image: must be a string"),
        ({"image": 7}, "image: must be a string"),
        ({"image": "eA==", "label": 7}, "label: is not known"),
        ({"image": "eA==", "id": True}, "id: must be"),
        ({"image": "eA==", "id": 1.5}, "id: must be"),
        ({"image": "eA==", "id": ["a"]}, "id: must be"),
        ({"image": "eA==", "id": 2**64}, "64-bit"),
        ({"image": "eA==", "id": -(2**63) - 1}, "64-bit"),
        ({"image": "eA==", "id": 10**30}, "64-bit"),
        ({"image": "eA==", "id": "a" * 257}, "up to 256 characters"),
        ("e", "not valid Base64"),
        ("é", "not valid Base64"),
        ("data:image/png;base64", "comma"),
        ("data:image/png;base64,e", "not valid Base64"),
        ("data:image/png;base64," + "%41" * 10**6, "not valid Base64"),
        ("data:image/png,%FB%FF", "without `;base64`"),
        ("_-8=", "URL-safe"),
    ],
)
def test_a_bad_item_is_an_error_in_its_place(value, named):
    first, bad, last = _parse(["eA==", value, "eQ=="])

    assert (first.content, last.content) == (b"x", b"y")
    assert isinstance(bad.content, InvalidItem)
    assert named in str(bad.content)


def test_a_bad_item_keeps_its_id():
    [item] = _parse([{"id": "b", "image": 7}])

    assert item.id == "b"


@pytest.mark.parametrize("item_id", [None, 0, -3, "", "a" * 256, -(2**63), 2**64 - 1])
def test_an_id_is_an_integer_or_a_string(item_id):
    assert _parse([{"id": item_id, "image": "eA=="}]) == [Item(item_id, b"x")]


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_base64_may_have_line_breaks(line_break):
    content = bytes(range(256))
    lines = base64.encodebytes(content).decode().replace("\n", line_break)

    assert _parse([lines]) == [Item(None, content)]


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,+/8=",
        "DATA:image/png;BASE64,+/8=",
        "data:;base64,+/8=",
        "data:image/png;name=a.png;charset=utf-8; base64,+/8=",
        "data:image/png;base64,%2B%2F8%3D",
        "data%3Aimage%2Fpng%3Bbase64%2C%2B%2F8%3D",
        "data:image/png;base64,+/\r\n8=",
    ],
)
def test_base64_may_be_a_data_url(url):
    in_json = json.dumps({"image": url}).encode()

    assert _parse([url]) == [Item(None, b"\xfb\xff")] == [parse_line(in_json)]
    assert parse_picture(in_json) == b"\xfb\xff"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", MalformedBody),
        (b"[]", InvalidRequest),
        (b'{"image": 7}', InvalidRequest),
        (b'{"images": ["eA=="]}', InvalidRequest),
        (b'{"image": "?"}', InvalidItem),
        (b"[" + b"{}," * 10_000 + b"{}]", BatchTooLarge),
    ],
)
def test_json_without_a_picture_is_refused(body, error):
    with pytest.raises(error):
        parse_picture(body)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"images": [NaN]}', b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(body):
    with pytest.raises((MalformedBody, BatchTooLarge)):
        parse_json(body, max_batch=3)


@settings(deadline=None)
@given(st.lists(json_values, min_size=1, max_size=5))
def test_any_json_in_a_batch_is_an_item(values):
    assert len(_parse(values)) == len(values)


@settings(deadline=None)
@given(json_values)
def test_any_other_json_is_an_invalid_request(value):
    with pytest.raises(InvalidRequest):
        parse_json(json.dumps(value).encode(), max_batch=1000)


@settings(deadline=None)
@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_a_body_has_the_same_lines_however_it_is_split(body, cuts):
    splitter = LineSplitter(max_bytes=100)
    ends = [*sorted(cuts), len(body)]

    found = []
    for start, stop in zip([0, *ends], ends, strict=False):
        found += splitter.feed(body[start:stop])
    found += splitter.end()

    assert found == [line for line in body.split(b"\n") if line.strip()]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\n\n \n"])
def test_the_last_line_needs_no_line_break(ending):
    items = parse_lines(b'"eA=="\n{"id": 7, "image": "eQ=="}' + ending, max_batch=2)

    assert items == [Item(None, b"x"), Item(7, b"y")]


def test_a_batch_of_lines_has_a_limit():
    with pytest.raises(BatchTooLarge, match=r"more than 2 images.*Accept: application/x-ndjson"):
        parse_lines(b'"eA=="\n' * 3, max_batch=2)


def test_a_line_that_is_too_long_is_an_error_in_its_place():
    splitter = LineSplitter(max_bytes=6)

    lines = [*splitter.feed(b'"eA=="\n"eA'), *splitter.feed(b'==="\n"eQ=="'), *splitter.end()]
    first, long, last = map(parse_line, lines)

    assert (first, last) == (Item(None, b"x"), Item(None, b"y"))
    assert isinstance(long.content, LineTooLong)
    assert "more than 6 bytes" in str(long.content)


def test_a_line_that_is_too_long_takes_no_memory():
    splitter = LineSplitter(max_bytes=1000)

    with _memory_below(3 * MEBIBYTE):
        for _ in range(100):
            assert splitter.feed(b" " * MEBIBYTE) == []
            assert splitter.unfinished <= 1000


@pytest.mark.parametrize("line", [b"{", b"\xff", b"7", b"[]", b'{"image": 7}', b'"e"', b"[" * 1000])
def test_a_line_without_an_image_is_an_error_in_its_place(line):
    first, bad, last = parse_lines(b'"eA=="\n' + line + b'\n"eQ=="', max_batch=3)

    assert (first.content, last.content) == (b"x", b"y")
    assert isinstance(bad.content, InvalidItem)


def test_a_line_of_millions_of_values_is_not_built():
    line = json.dumps({"image": [{}] * 1_000_000}).encode()

    with _memory_below(20 * MEBIBYTE):
        [item] = parse_lines(line, max_batch=1)

    assert isinstance(item.content, InvalidItem)


@pytest.mark.parametrize("order", ["C", "F"])
def test_each_picture_of_an_array_is_an_item(order):
    items = _parse_npy(_npy(np.array(PICTURES, order=order)))

    assert [item.id for item in items] == [None, None, None]
    assert np.array_equal([item.content for item in items], PICTURES)
    assert all(item.content.flags.c_contiguous for item in items)


def test_the_second_version_of_npy_is_read():
    file = io.BytesIO()
    np.lib.format.write_array(file, PICTURES, version=(2, 0))

    assert len(_parse_npy(file.getvalue())) == 3


@pytest.mark.parametrize(
    ("array", "named"),
    [
        (PICTURES.astype(bool), r"type bool: send uint8.*255 \* array"),
        (PICTURES.astype(np.float32), r"type float32: send uint8.*from 0 to 1"),
        (PICTURES.astype(np.int64), "type int64: send uint8"),
        (PICTURES.astype("S3"), "type .*S3"),
        (np.array([[["x"]]], dtype=object), "type object"),
        (PICTURES[0], r"shape \[4, 5\]: .*a single picture has N = 1"),
        (PICTURES[..., None], r"shape \[3, 4, 5, 1\]"),
        (PICTURES[:0], r"shape \[0, 4, 5\]"),
        (PICTURES[:, :0], r"shape \[3, 0, 5\]"),
        (np.uint8(7), r"shape \[\]"),
    ],
)
def test_an_array_of_another_type_or_shape_is_refused_with_what_to_send(array, named):
    with pytest.raises(InvalidRequest, match=named):
        _parse_npy(_npy(array))


def test_an_array_has_a_limit_of_pictures_and_of_their_pixels():
    with pytest.raises(BatchTooLarge, match="holds 3 images, the limit is 2"):
        _parse_npy(_npy(PICTURES), max_batch=2)
    with pytest.raises(PictureTooLarge, match="5 x 4 pixels, the limit is 19"):
        _parse_npy(_npy(PICTURES), max_pixels=19)


@pytest.mark.parametrize("change", [lambda file: file[:-1], lambda file: file + b"\0"])
def test_an_array_with_more_or_less_data_than_announced_is_refused(change):
    with pytest.raises(MalformedBody, match=r"announces 60 bytes of pixels, (59|61) follow"):
        _parse_npy(change(_npy(PICTURES)))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "7",
        "{}",
        "(" * 900,
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 'a', 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (True, 28, 28)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 28.0, 28)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3), 'x': 1}",
        "{'descr': '|Sé', 'fortran_order': False, 'shape': (1, 2, 3)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3)}" + " " * 1000,
    ],
)
def test_an_unreadable_header_of_an_array_is_refused(header):
    with pytest.raises(MalformedBody, match=r"no readable \.npy header"):
        _parse_npy(_headed(header) + bytes(784))


@pytest.mark.parametrize("shape", [(1000, 10**6, 1), (1, 10**9, 10**9), (10**30, 1, 1)])
def test_what_a_header_announces_is_not_allocated(shape):
    file = _headed(str({"descr": "|u1", "fortran_order": False, "shape": shape}))

    with (
        _memory_below(MEBIBYTE),
        pytest.raises((MalformedBody, BatchTooLarge, PictureTooLarge)),
    ):
        _parse_npy(file)


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 199), st.booleans())
def test_no_bytes_raise_anything_else(noise, start, whole):
    file = bytearray(_npy(PICTURES))
    file[start : start + len(noise)] = noise

    try:
        _parse_npy(noise if whole else bytes(file))
    except (MalformedBody, InvalidRequest, BatchTooLarge, PictureTooLarge):
        return


def _parse(images, *, max_batch=10):
    return parse_json(json.dumps({"images": images}).encode(), max_batch=max_batch)


def _filled(around, value, size):
    """`around` with so many of `value` that it has about `size` bytes."""
    return (around % ",".join([value] * (size // (len(value) + 1)))).encode()


def _parse_npy(body, *, max_batch=1024, max_pixels=10**6):
    return parse_npy(body, max_batch=max_batch, max_pixels=max_pixels)


def _npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _headed(header):
    encoded = header.encode("latin1")
    return b"\x93NUMPY\x01\x00" + len(encoded).to_bytes(2, "little") + encoded


@contextmanager
def _memory_below(limit):
    tracemalloc.start()
    try:
        yield
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < limit
