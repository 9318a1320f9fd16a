"""Lines of JSON: cut as they come, each for itself."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.errors import BatchTooLarge, InvalidItem, LineTooLong
from service.api.item import Item
from service.api.ndjson import Lines, item_of, parse_lines

MEBIBYTE = 1 << 20


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_a_body_is_cut_into_the_same_lines_however_it_comes(body, cuts):
    lines = Lines(max_bytes=100)
    ends = [*sorted(cuts), len(body)]

    found = []
    for start, stop in zip([0, *ends], ends, strict=False):
        found += lines.feed(body[start:stop])
    found += lines.end()

    assert found == [line for line in body.split(b"\n") if line.strip()]


def test_a_byte_order_mark_is_passed_over():
    assert parse_lines(b'\xef\xbb\xbf"eA=="\n"eA=="', max_batch=2) == [Item(None, b"x")] * 2


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\n\n \n"])
def test_the_last_line_needs_no_line_break(ending):
    items = parse_lines(b'"eA=="\n{"id": 7, "image": "eQ=="}' + ending, max_batch=2)

    assert items == [Item(None, b"x"), Item(7, b"y")]


def test_one_line_too_many():
    with pytest.raises(BatchTooLarge, match=r"more than 2 images.*Accept: application/x-ndjson"):
        parse_lines(b'"eA=="\n' * 3, max_batch=2)


def test_a_line_that_is_too_long_is_an_error_in_its_place():
    lines = Lines(max_bytes=6)

    first, long, last = [*lines.feed(b'"eA=="\n"eA'), *lines.feed(b'==="\n"eQ=="'), *lines.end()]

    assert (item_of(first), item_of(last)) == (Item(None, b"x"), Item(None, b"y"))
    assert isinstance(item_of(long).content, LineTooLong)
    assert "more than 6 bytes" in str(item_of(long).content)


def test_a_line_that_is_too_long_takes_no_memory():
    lines = Lines(max_bytes=1000)
    tracemalloc.start()

    for _ in range(100):
        assert lines.feed(b" " * MEBIBYTE) == []
        assert lines.unfinished <= 1000

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MEBIBYTE


@pytest.mark.parametrize("line", [b"{", b"\xff", b"7", b"[]", b'{"image": 7}', b'"e"', b"[" * 1000])
def test_a_line_that_brings_no_image_is_an_error_in_its_place(line):
    first, bad, last = parse_lines(b'"eA=="\n' + line + b'\n"eQ=="', max_batch=3)

    assert (first.content, last.content) == (b"x", b"y")
    assert isinstance(bad.content, InvalidItem)


def test_an_item_that_would_unfold_to_millions_of_values_is_not_built():
    line = json.dumps({"image": [{}] * 1_000_000}).encode()
    tracemalloc.start()

    [item] = parse_lines(line, max_batch=1)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(item.content, InvalidItem)
    assert peak < 20 * MEBIBYTE
