"""Forms to parts."""

import contextlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.bodies import Part, parse_form
from service.errors import BatchTooLarge, MalformedBody

CONTENT_TYPE = "multipart/form-data; boundary=b"


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
        parse_form(body, CONTENT_TYPE, max_parts=3)


@pytest.mark.parametrize(
    ("parameter", "filename"),
    [
        ("", None),
        ('; filename="é.png"', "é.png"),
        ("; filename*=UTF-8''%C3%A9%20%22.png", 'é ".png'),
        ("; filename*=iso-8859-1'de'%E9.png", "é.png"),
        ("; filename=\"a.png\"; filename*=UTF-8''b.png", "a.png"),
        ("; filename*=UTF-8''%ff", "\ufffd"),
        ("; filename*=koi8-r''a.png", None),
    ],
)
def test_a_file_name_may_be_missing_foreign_or_percent_encoded(parameter, filename):
    disposition = f'content-disposition: form-data; name="file"{parameter}'.encode()

    parts = parse_form(b"--b\r\n%b\r\n\r\n1\r\n--b--\r\n" % disposition, CONTENT_TYPE, max_parts=1)

    assert parts == [Part("file", filename, b"1")]


def test_more_parts_than_allowed_are_refused():
    part = b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\n1\r\n'

    with pytest.raises(BatchTooLarge, match="2 parts"):
        parse_form(part * 3 + b"--b--\r\n", CONTENT_TYPE, max_parts=2)


def test_a_form_that_ends_early_is_refused():
    part = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n1\r\n'

    with pytest.raises(MalformedBody, match="ends before"):
        parse_form(part, CONTENT_TYPE, max_parts=2)


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "b" * 1000])
def test_an_impossible_boundary_is_refused(boundary):
    with pytest.raises(MalformedBody):
        parse_form(b"--b--\r\n", f"multipart/form-data{boundary}", max_parts=2)
