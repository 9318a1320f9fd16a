"""Security headers and files of the page."""

import httpx
import pytest
from playwright.sync_api import Error

from service.auth.api_keys import Role, new_key


def test_the_policy_allows_nothing_inline_and_no_other_hosts(server):
    response = httpx.get(server)
    policy = response.headers["Content-Security-Policy"]

    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "//" not in policy
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-cache"


def test_an_injected_script_does_not_run(browser, server):
    def inject(route):
        answer = route.fetch()
        taken = "<script>document.title = 'taken'</script><p onclick=\"document.title = 'taken'\">"
        route.fulfill(response=answer, body=answer.text().replace("<main>", f"<main>{taken}Click"))

    page = browser.new_page()
    page.route(f"{server}/", inject)
    page.goto(server)
    page.get_by_text("Click", exact=True).click()

    assert page.title() == "Numeral"
    with pytest.raises(Error, match="TrustedHTML"):
        page.evaluate("document.body.innerHTML = '<b>taken</b>'")
    page.close()


@pytest.mark.parametrize("path", ["/", "/page/scripts/main.js", "/page/styles/base.css"])
def test_the_page_is_revalidated(server, path):
    first = httpx.get(f"{server}{path}")
    again = httpx.get(f"{server}{path}", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "no-cache"
    assert again.status_code == 304


def test_the_page_needs_no_key(start_ready, tmp_path):
    file = tmp_path / "keys.jsonl"
    file.write_text(new_key("teller", Role.PREDICT)[1].model_dump_json() + "\n")
    url = start_ready(api_keys_file=file).url

    for path in ("/", "/page/scripts/main.js", "/page/inter.woff2"):
        assert httpx.get(f"{url}{path}").status_code == 200
    assert httpx.post(f"{url}/normalise").status_code == 401


@pytest.mark.parametrize("path", ["/page/", "/page/nowhere.js", "/page/..%2fapp.py"])
def test_other_files_are_not_served(server, path):
    response = httpx.get(f"{server}{path}")

    assert response.status_code == 404
    assert response.json()["type"] == "/problems/not-found"
