"""Every example in the documentation does what its page says, and every call has one."""

import re
import shutil

import httpx
import pytest

from tests.docs import outputs
from tests.docs.examples import PAGES, examples_of
from tests.docs.running import run

EXAMPLES = [example for page in PAGES for example in examples_of(page)]
SAME = {"json": outputs.same_json, "text": outputs.same_text}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.place)
def test_an_example_prints_what_is_shown(example, request, tmp_path):
    if example.language == "js" and shutil.which("node") is None:
        pytest.skip("EXAMPLES IN JAVASCRIPT ARE NOT RUN: install node")
    needs_key = "KEY" in example.code
    url, key = request.getfixturevalue("guarded" if needs_key else "open_service")

    printed = run(example, url, tmp_path, key)

    assert SAME[example.kind](printed, example.shown), f"{example.place} prints:\n{printed}"


@pytest.fixture(scope="module")
def open_service(server):
    return server, ""


@pytest.mark.parametrize("language", ["sh", "python", "js"])
def test_every_call_has_an_example(server, language):
    code = "".join(example.code for example in EXAMPLES if example.language == language)
    paths = httpx.get(f"{server}/openapi.json").json()["paths"]

    # What names a version is answered as what names none.
    missing = [path for path in paths if "/versions/" not in path and not _asked(path, code)]

    assert paths
    assert missing == []


def _asked(path: str, code: str) -> bool:
    """Whether the code has an address with this path, whatever stands for its parameters."""
    pattern = re.sub(r"\\\{\w+\\\}", "[^/\"'`\\\\s]+", re.escape(path))
    return re.search(rf"8000{pattern}(?![/\w])", code) is not None
