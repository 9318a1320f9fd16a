"""JSON as callers send it."""

from codecs import BOM_UTF8

from pydantic_core import from_json


def read_json(content: bytes) -> object:
    """What the JSON in `content` says.

    Some tools begin a file with a byte order mark, which RFC 8259 lets a reader pass over.

    Raises:
        ValueError: it is not JSON.
    """
    return from_json(content.removeprefix(BOM_UTF8), allow_inf_nan=False, cache_strings="keys")
