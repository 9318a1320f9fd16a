"""The service under a path prefix, behind a real nginx, with API keys."""

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from numeral_client import Client
from service.auth.api_keys import Role, new_key
from tests.e2e.running import run_service, wait_for

PREFIX = "/numeral/"
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """URL of the service behind nginx, and a key."""
    nginx = shutil.which("nginx", path=f"{Path(sys.prefix) / 'bin'}:/usr/sbin:/usr/bin")
    if nginx is None:
        pytest.skip("requires nginx (Debian: apt-get install nginx)")
    folder = tmp_path_factory.mktemp("proxied")
    key, line = new_key("mail-room", Role.PREDICT)
    (folder / "keys.jsonl").write_text(line.model_dump_json() + "\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with run_service(folder, api_keys_file=folder / "keys.jsonl") as service:
        service.wait_until_ready()
        # The location that the documentation shows.
        [location] = re.findall(
            r"^ +location /numeral/ {.*?}$", OPERATIONS.read_text(), re.M | re.S
        )
        location = location.replace("http://127.0.0.1:8000", service.url)
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
            f"http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path"
            f" {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;"
            f" scgi_temp_path {folder}/scgi;\n"
            f"server {{ listen 127.0.0.1:{port};\n{location}\n}} }}\n"
        )
        process = subprocess.Popen([nginx, "-e", "stderr", "-c", str(folder / "nginx.conf")])
        try:
            url = f"http://127.0.0.1:{port}{PREFIX}"
            wait_for(lambda: _answers(url))
            yield url, key
        finally:
            process.terminate()
            process.wait(60)


def test_a_client_with_a_key_reads_a_picture(proxied, seven):
    url, key = proxied

    with Client(url, api_key=key) as numeral:
        assert numeral.predict(seven).digit == 7
    refused = httpx.post(f"{url}predict", content=seven)
    assert refused.status_code == 401
    explained = httpx.get(f"{url.rstrip('/')}{refused.json()['type']}").json()
    assert explained["type"] == refused.json()["type"]


def test_the_document_names_the_server_behind_the_prefix(proxied):
    url, _ = proxied

    [server] = httpx.get(f"{url}openapi.json").json()["servers"]

    assert urljoin(f"{url}openapi.json", server["url"]) == url


@pytest.mark.parametrize(
    ("path", "shows"),
    [("", "canvas"), ("docs", "#operations-health-ready"), ("redoc", "h1")],
)
def test_a_page_asks_for_nothing_outside_the_prefix(proxied, browser, path, shows):
    url, _ = proxied
    page = browser.new_page()
    asked = []
    page.on("response", lambda response: asked.append((response.url, response.status)))

    page.goto(f"{url}{path}")
    page.locator(shows).first.wait_for()

    assert len(asked) > 1
    # Without a key the page of the models asks for one.
    wrong = [(at, status) for at, status in asked if not at.startswith(("blob:", "data:", url))]
    assert wrong == []
    assert [(at, status) for at, status in asked if status not in (200, 304, 401)] == []
    page.close()


def test_try_it_out_calls_the_service_behind_the_prefix(proxied, browser):
    url, _ = proxied
    page = browser.new_page()

    page.goto(f"{url}docs")
    page.locator("#operations-health-ready").click()
    page.get_by_role("button", name="Try it out").click()
    with page.expect_response(f"{url}health/ready") as answered:
        page.get_by_role("button", name="Execute").click()

    assert answered.value.status == 200
    page.close()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}health/ready").status_code == 200
    except httpx.TransportError:
        return False
