"""What browsers are told of every answer, and what they are not."""

import re
from base64 import b64encode
from hashlib import sha256

import httpx
import pytest

from tests.service.faults import answer_to_a_fault

ASSET = "/static-offline-docs/swagger-ui-bundle.js"


def _expect_common(headers):
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Powered-By" not in headers


@pytest.mark.own_processes("Ray's proxy names the library that it is made with")
@pytest.mark.parametrize("path", ["/models", "/nowhere", "/docs", ASSET])
def test_no_answer_names_its_server(server, path):
    assert "Server" not in httpx.get(f"{server}{path}").headers


@pytest.mark.parametrize("path", ["/models", "/health/live", "/v2", "/nowhere", "/openapi.json"])
def test_an_answer_runs_nothing_and_is_not_kept(server, path):
    headers = httpx.get(f"{server}{path}").headers

    _expect_common(headers)
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"


def test_a_prediction_is_not_kept(server, seven):
    response = httpx.post(f"{server}/predict", content=seven)

    _expect_common(response.headers)
    assert response.headers["Cache-Control"] == "no-store"


def test_a_fault_of_the_service_has_them_too():
    headers = answer_to_a_fault("/broken").headers

    _expect_common(headers)
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("page", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_a_page_may_run_its_own_scripts_and_no_others(server, page):
    response = httpx.get(f"{server}{page}")

    _expect_common(response.headers)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Frame-Options"] == "DENY"
    policy = response.headers["Content-Security-Policy"]
    [scripts] = re.findall(r"script-src ([^;]*);", policy)
    inline = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)
    hashes = [b64encode(sha256(script.encode()).digest()).decode() for script in inline]
    assert scripts.split() == ["'self'", *(f"'sha256-{value}'" for value in hashes)]
    assert "frame-ancestors 'none'" in policy


def test_a_browser_may_keep_an_asset_and_ask_whether_it_changed(server):
    first = httpx.get(f"{server}{ASSET}")
    again = httpx.get(f"{server}{ASSET}", headers={"If-None-Match": first.headers["ETag"]})

    _expect_common(first.headers)
    assert first.headers["Cache-Control"] == "no-cache"
    assert again.status_code == 304


def test_no_page_of_another_origin_may_call(server):
    response = httpx.get(f"{server}/models", headers={"Origin": "https://forms.example"})

    assert not [name for name in response.headers if name.startswith("access-control")]
