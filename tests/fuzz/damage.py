"""Ways to damage what is as it should be, for hypothesis to choose from."""

import json
from collections.abc import Callable, Iterator, Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# The same examples every time: what they find can be reproduced.
bounded = settings(
    max_examples=250,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

# JSON as no client writes it, and some that is none.
FRAGMENTS = (
    *(b"null", b"true", b"false", b'""', b"[]", b"{}", b"0", b"-0", b"-1", b"1.5", b"1e999"),
    *(b"NaN", b"Infinity", b"-Infinity", b"256", b"9223372036854775808", b"18446744073709551616"),
    *(b"-9223372036854775809", b"9" * 400, b"9" * 5000, b"1E-400", b'"\\ud800"', b'"\\u0000"'),
    *(b'"\xff"', b'"\xed\xa0\x80"', b'"' + b"a" * 300 + b'"', b"[" * 300, b"[" * 90 + b"]" * 90),
    *(b'{"a":' * 90 + b"1" + b"}" * 90, b'{"a":1,"a":2}', b"[1,2,[3]]", b"", b"'a'", b"//"),
    *(b'"iVBORw0KGgo="', b'"data:image/png;base64,AA=="', b'"_-8="', b'"=\\n="', b"\x00"),
)

TOKENS = (
    *(
        b"",
        b"\x00",
        b"\xff",
        b"\r\n",
        b"\n",
        b"\r\n\r\n",
        b"--",
        b'"',
        b":",
        b";",
        b"=",
        b"{",
        b"[",
    ),
    *(b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"999999999999999999999"),
)


def damaged(content: bytes, tokens: Sequence[bytes] = TOKENS) -> st.SearchStrategy[bytes]:
    """`content` after one to four edits: cut out, doubled, replaced, ended early."""
    places = st.integers(0, len(content))
    pieces = st.sampled_from(tokens) | st.binary(max_size=8)
    edit = st.tuples(places, st.integers(0, 40), pieces, st.sampled_from(_EDITS))
    return st.lists(edit, min_size=1, max_size=4).map(lambda edits: _edited(content, edits))


def or_untrue(truth: object, *lies: object) -> st.SearchStrategy:
    """The truth mostly, so that a lie seldom hides behind another."""
    return st.integers(0, 3).flatmap(
        lambda number: st.sampled_from(lies if not number else [truth])
    )


def damaged_json(document: object) -> st.SearchStrategy[bytes]:
    """`document` as JSON with up to three of its values, and some of its names, replaced."""
    paths = list(_paths(document))
    change = st.tuples(st.sampled_from(paths), st.sampled_from(FRAGMENTS), st.booleans())
    return st.lists(change, min_size=1, max_size=3).map(
        lambda changes: _written(document, (), changes)
    )


def _written(value, path, changes) -> bytes:
    for changed, fragment, doubled in changes:
        if changed == path and not doubled:
            return fragment
    if isinstance(value, dict):
        pairs = []
        for key, child in value.items():
            here = (*path, key)
            pairs.append(json.dumps(key).encode() + b":" + _written(child, here, changes))
            # The same name again, with another value.
            again = [each for changed, each, doubled in changes if changed == here and doubled]
            pairs += [json.dumps(key).encode() + b":" + fragment for fragment in again]
        return b"{" + b",".join(pairs) + b"}"
    if isinstance(value, list):
        items = (_written(child, (*path, index), changes) for index, child in enumerate(value))
        return b"[" + b",".join(items) + b"]"
    return json.dumps(value).encode()


def _paths(value, path=()) -> Iterator[tuple]:
    yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _paths(child, (*path, key))
    if isinstance(value, list):
        # Of many, such as pixels, a few.
        for index, child in enumerate(value[:3]):
            yield from _paths(child, (*path, index))


_Edit = Callable[[bytes, int, int, bytes], bytes]

_EDITS: tuple[_Edit, ...] = (
    lambda old, start, size, new: old[:start] + old[start + size :],
    lambda old, start, size, new: old[: start + size] + old[start:],
    lambda old, start, size, new: old[:start] + new + old[start:],
    lambda old, start, size, new: old[:start] + new + old[start + len(new) :],
    lambda old, start, size, new: old[:start],
)


def _edited(content: bytes, edits) -> bytes:
    for start, size, piece, edit in edits:
        content = edit(content, start, size, piece)
    return content
