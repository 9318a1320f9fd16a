"""Forms to parts."""

import contextlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.errors import BatchTooLarge, MalformedBody
from service.api.multipart import Part, parse_form


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5))
def test_what_a_client_sends_is_what_arrives(contents):
    files = [("files", (f"{index}.png", content)) for index, content in enumerate(contents)]
    request = httpx.Request("POST", "http://test", files=files)
    request.read()

    parts = parse_form(request.content, request.headers["Content-Type"], max_parts=5)

    assert parts == [
        Part("files", f"{index}.png", content) for index, content in enumerate(contents)
    ]


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused_or_read(body):
    with contextlib.suppress(MalformedBody, BatchTooLarge):
        parse_form(body, "multipart/form-data; boundary=b", max_parts=3)


def test_a_file_name_may_be_missing_or_foreign():
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\none\r\n'
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="\xc3\xa9.png"\r\n\r\n'
        b"two\r\n"
        b"--b--\r\n"
    )

    parts = parse_form(body, 'multipart/form-data; boundary="b"', max_parts=2)

    assert parts == [Part("file", None, b"one"), Part("file", "é.png", b"two")]


def test_more_parts_than_allowed_are_refused():
    part = b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\n1\r\n'

    with pytest.raises(BatchTooLarge, match="2 parts"):
        parse_form(part * 3 + b"--b--\r\n", "multipart/form-data; boundary=b", max_parts=2)


def test_a_form_that_ends_early_is_refused():
    part = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n1\r\n'

    with pytest.raises(MalformedBody, match="ends before"):
        parse_form(part, "multipart/form-data; boundary=b", max_parts=2)


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "b" * 1000])
def test_a_boundary_that_cannot_be_is_refused(boundary):
    with pytest.raises(MalformedBody):
        parse_form(b"--b--\r\n", f"multipart/form-data{boundary}", max_parts=2)
