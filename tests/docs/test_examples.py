"""Every example prints what its page shows, and every call has an example in each language."""

import re
import shutil

import httpx
import pytest

from tests.docs.examples import PAGES, examples_of, run
from tests.docs.outputs import same_json, same_text

EXAMPLES = [example for page in PAGES for example in examples_of(page)]
SAME = {"json": same_json, "text": same_text}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.place)
def test_an_example_prints_what_is_shown(example, request, tmp_path):
    if example.language == "js" and shutil.which("node") is None:
        pytest.skip("JavaScript examples require node")
    needs_key = "KEY" in example.code
    url, key = request.getfixturevalue("secured" if needs_key else "open_service")

    printed = run(example, url, tmp_path, key)

    assert SAME[example.kind](printed, example.shown), f"{example.place} prints:\n{printed}"


@pytest.fixture(scope="module")
def open_service(server):
    return server, ""


@pytest.mark.parametrize("language", ["sh", "python", "js"])
def test_every_call_has_an_example(server, language):
    code = "".join(example.code for example in EXAMPLES if example.language == language)
    paths = httpx.get(f"{server}/openapi.json").json()["paths"]

    missing = [path for path in paths if "/versions/" not in path and not _is_in(path, code)]

    assert paths
    assert missing == []


def _is_in(path: str, code: str) -> bool:
    """Return whether the code has a URL with this path, with any values of its parameters."""
    pattern = re.sub(r"\\\{\w+\\\}", "[^/\"'`\\\\s]+", re.escape(path))
    return re.search(rf"8000{pattern}(?![/\w])", code) is not None
