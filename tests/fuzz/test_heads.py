"""Damaged query strings and headers."""

from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import seeds
from tests.fuzz.damage import bounded, damaged

QUERY = b"model=lenet5&max_error=0.01&preprocess=auto"
QUERY_TOKENS = (
    *(
        b"&",
        b"=",
        b"%",
        b"%00",
        b"%ff",
        b"%ed%a0%80",
        b"+",
        b"nan",
        b"inf",
        b"-1",
        b"1e999",
        b"\xff",
    ),
    *(b"9" * 400, b"model=", b"max_error=", b"preprocess=none", b"&a" * 500, b";", b"[]", b"\x00"),
)
HEADER_VALUES = (
    *(
        b"",
        b"*/*",
        b"application/json",
        b"image/png",
        b"application/x-ndjson",
        b"identity",
        b"gzip",
    ),
    *(
        b"multipart/form-data; boundary=b",
        b"text/html;q=0.5",
        b"*/*;q=nan",
        b"*/*;q=1e999",
        b"a/b;q",
    ),
    *(b"\xff\xfe", b",,;;==,", b"a," * 2000, b";" * 2000, b"application/json;charset=\xe9", b"-1"),
    *(b"9" * 400, b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01-x", b"Bearer \xff", b"\x00", b"0"),
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *(b"Content-Type", b"Content-Type", b"Accept", b"Accept", b"Content-Encoding"),
                *(b"Content-Length", b"X-Request-ID", b"traceparent", b"Authorization", b"Host"),
                *(b"Inference-Header-Content-Length", b"Origin", b"Expect", b"Range", b"Cookie"),
            ]
        ),
        st.sampled_from(HEADER_VALUES) | st.sampled_from(HEADER_VALUES).flatmap(damaged),
    ),
    max_size=4,
)


@bounded
@given(damaged(QUERY, QUERY_TOKENS))
@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_a_query(ask, path, query):
    body, kind = (seeds.picture(), b"image/png")
    if path == "/predict/batch":
        body, kind = seeds.array(), b"application/x-npy"

    ask("POST", path, body, query=query, headers=[(b"Content-Type", kind)])


@bounded
@given(HEADERS, st.sampled_from(["/predict", "/predict/batch"]))
def test_headers_of_a_post(ask, headers, path):
    ask("POST", path, seeds.picture(), headers=headers)


@bounded
@given(HEADERS)
def test_headers_of_a_get(ask, headers):
    ask("GET", "/models", headers=headers)


@bounded
@given(damaged(b"lenet5").map(quote_from_bytes))
@pytest.mark.parametrize("prefix", ["/models/", "/v2/models/", "/problems/"])
def test_a_name_in_a_path(application, prefix, name):
    answer = application.ask("GET", (prefix + name).encode())

    assert answer.status in {200, 404}
