"""How log lines look; each in a process of its own, as the log belongs to the process."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging
from service.settings import LogFormat, LogLevel
from service.logs import configure_logging
from structlog.contextvars import bind_contextvars

configure_logging(LogFormat("{log_format}"), LogLevel("{level}"))
log = logging.getLogger("service.somewhere")
{body}
"""

ONE_REQUEST = """
import asyncio, httpx
from service.app import create_app
from service.settings import Settings

async def ask():
    transport = httpx.ASGITransport(create_app(Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/nowhere")

logging.getLogger("httpx").disabled = True
asyncio.run(ask())
"""


def test_a_line_of_the_standard_library_becomes_json():
    [line] = _json_lines("log.warning('it is %s', 'so\\nand so')")

    assert line["level"] == "warning"
    assert line["logger"] == "service.somewhere"
    assert line["event"] == "it is so\nand so"
    assert line["time"].endswith("Z")


def test_a_line_of_a_request_carries_what_is_known_of_it():
    [line] = _json_lines("bind_contextvars(request_id='mine'); log.info('done')")

    assert line["request_id"] == "mine"


def test_a_traceback_says_where_but_not_with_which_values():
    body = """
def read(image):
    raise ValueError("wrong")
try:
    read("secret" + " pixels")
except ValueError:
    log.exception("failed")
"""
    [line] = _json_lines(body)
    console = _lines("console", body)

    assert "ValueError: wrong" in line["exception"]
    assert "ValueError: wrong" in console
    assert "secret pixels" not in line["exception"] + console


def test_what_json_does_not_know_is_written_all_the_same():
    [line] = _json_lines(
        "import structlog; structlog.get_logger().info('odd', what={1}, who='\\udc80')"
    )

    assert line["what"] == "{1}"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_line_below_the_level_is_not_written(log_format):
    body = "import structlog; structlog.get_logger().debug('small'); log.debug('small')"

    assert _lines(log_format, body) == ""


@pytest.mark.parametrize(("level", "lines"), [("info", 1), ("warning", 0)])
def test_requests_are_logged_from_level_info_on(level, lines):
    assert _lines("json", ONE_REQUEST, level).count('"event": "request"') == lines


def _json_lines(body: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in _lines("json", body).splitlines()]


def _lines(log_format: str, body: str, level: str = "info") -> str:
    script = SCRIPT.format(log_format=log_format, level=level, body=body)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == ""
    return run.stderr
