"""JSON batches: bounded before they are built, and every bad item in its place."""

import base64
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.errors import BatchTooLarge, InvalidItem, InvalidRequest, MalformedBody
from service.api.item import Item
from service.api.json_batch import parse_batch

MEBIBYTE = 1024 * 1024
BODY_LIMIT = 16 * MEBIBYTE

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.mark.parametrize("value", ['""', "{}", "[]", "0", '{"a":0}'])
@pytest.mark.parametrize("around", ['{"images":[%s]}', '{"images":[[%s]]}', '{"else":[%s]}'])
def test_a_body_of_millions_of_tiny_values_is_refused_before_it_is_built(value, around):
    body = _filled(around, value, BODY_LIMIT)

    with pytest.raises(BatchTooLarge, match="1024"):
        _within(MEBIBYTE, body, max_batch=1024)


@pytest.mark.parametrize("value", ['""', "{}", "[]", '{"a":0}'])
def test_a_body_short_of_that_takes_little_memory(value):
    body = _filled('{"images":[%s]}', value, (len(value) + 1) * 88_000)

    with pytest.raises(BatchTooLarge):
        _within(64 * MEBIBYTE, body, max_batch=1024)


def test_a_full_batch_is_read_however_much_its_ids_look_like_json():
    image = {"id": "[{," * 85, "image": "eA=="}

    items = _parse([image] * 50, max_batch=50)

    assert items == [Item(image["id"], b"x")] * 50


def test_a_byte_order_mark_is_passed_over():
    assert parse_batch(b'\xef\xbb\xbf{"images": ["eA=="]}', max_batch=1) == [Item(None, b"x")]


def test_one_image_too_many():
    with pytest.raises(BatchTooLarge, match="holds 4 images, the limit is 3"):
        _parse(["eA=="] * 4, max_batch=3)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (None, "neither"),
        (7, "neither"),
        (["eA=="], "neither"),
        ({}, "`image` is missing"),
        ({"image": None}, "`image` must be a text"),
        ({"image": 7}, "`image` must be a text"),
        ({"image": "eA==", "label": 7}, "`label` is not known"),
        ({"image": "eA==", "id": True}, "`id`"),
        ({"image": "eA==", "id": 1.5}, "`id`"),
        ({"image": "eA==", "id": ["a"]}, "`id`"),
        ({"image": "eA==", "id": 2**64}, "64 bits"),
        ({"image": "eA==", "id": -(2**63) - 1}, "64 bits"),
        ({"image": "eA==", "id": "a" * 257}, "`id`"),
        ("e", "not valid Base64"),
        ("é", "not valid Base64"),
        ("data:image/png;base64,eA==", "`data:`"),
        ("_-8=", "URL-safe"),
    ],
)
def test_a_bad_item_is_an_error_in_its_place(value, named):
    first, bad, last = _parse(["eA==", value, "eQ=="])

    assert (first.content, last.content) == (b"x", b"y")
    assert isinstance(bad.content, InvalidItem)
    assert named in str(bad.content)
    assert "nput should" not in str(bad.content)


def test_a_bad_item_keeps_its_id():
    [item] = _parse([{"id": "b", "image": 7}])

    assert item.id == "b"


@pytest.mark.parametrize("item_id", [None, 0, -3, "", "a" * 256])
def test_an_id_is_a_whole_number_or_a_text(item_id):
    [item] = _parse([{"id": item_id, "image": "eA=="}])

    assert item == Item(item_id, b"x")


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_base64_may_have_line_breaks(line_break):
    content = bytes(range(256))
    lines = base64.encodebytes(content).decode().replace("\n", line_break)

    [item] = _parse([lines])

    assert item.content == content


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"images": [NaN]}', b"[" * 100_000])
def test_what_is_not_json(body):
    with pytest.raises((MalformedBody, BatchTooLarge)):
        parse_batch(body, max_batch=3)


@given(st.lists(json_values, min_size=1, max_size=5))
def test_any_json_in_a_batch_is_an_item_each(values):
    assert len(_parse(values)) == len(values)


@given(json_values)
def test_any_other_json_is_an_invalid_request(value):
    with pytest.raises(InvalidRequest):
        parse_batch(json.dumps(value).encode(), max_batch=1000)


def _parse(images, *, max_batch=10):
    return parse_batch(json.dumps({"images": images}).encode(), max_batch=max_batch)


def _filled(around, value, size):
    """`around` with so many of `value` that it has about `size` bytes."""
    return (around % ",".join([value] * (size // (len(value) + 1)))).encode()


@pytest.mark.parametrize("item_id", [-(2**63), 2**64 - 1])
def test_an_id_may_have_64_bits(item_id):
    body = json.dumps({"images": [{"id": item_id, "image": "eA=="}]}).encode()

    assert parse_batch(body, max_batch=1) == [Item(item_id, b"x")]


@pytest.mark.parametrize("item_id", [-(2**63) - 1, 2**64, 10**30])
def test_an_id_with_more_bits_is_no_id(item_id):
    images = [{"id": item_id, "image": "eA=="}, "eA=="]

    bad, good = parse_batch(json.dumps({"images": images}).encode(), max_batch=2)

    assert isinstance(bad.content, InvalidItem)
    assert good == Item(None, b"x")


def _within(limit, body, *, max_batch):
    tracemalloc.start()
    try:
        parse_batch(body, max_batch=max_batch)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < limit
