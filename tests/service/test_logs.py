"""How log lines look; in a process of its own, as the log belongs to the process."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging, structlog
from service.settings import LogFormat, LogLevel
from service.logs import configure_logging
from structlog.contextvars import bind_contextvars

configure_logging(LogFormat(sys.argv[1]), LogLevel(sys.argv[2]))
log = logging.getLogger("service.somewhere")
"""

EVERYTHING = """
def read(image):
    raise ValueError("wrong")

structlog.get_logger().debug("small"); log.debug("small")
log.warning("it is %s", "so\\nand so")
try:
    read("secret" + " pixels")
except ValueError:
    log.exception("failed")
bind_contextvars(request_id="mine")
structlog.get_logger().info("odd", what={1}, who="\\udc80")
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


def test_every_line_becomes_json():
    warning, error, info = map(json.loads, _log(EVERYTHING, "json").splitlines())

    assert (warning["level"], warning["logger"]) == ("warning", "service.somewhere")
    assert warning["event"] == "it is so\nand so"
    assert warning["time"].endswith("Z")
    assert "ValueError: wrong" in error["exception"]
    assert "secret pixels" not in error["exception"]
    assert (info["request_id"], info["what"]) == ("mine", "{1}")


def test_a_traceback_on_the_console_shows_no_values():
    lines = _log(EVERYTHING, "console")

    assert "ValueError: wrong" in lines
    assert "secret pixels" not in lines
    assert "small" not in lines


@pytest.mark.parametrize(("level", "lines"), [("info", 1), ("warning", 0)])
def test_requests_are_logged_from_level_info_on(level, lines):
    assert _log(ONE_REQUEST, "json", level).count('"event": "request"') == lines


def _log(body: str, log_format: str, level: str = "info") -> str:
    command = [sys.executable, "-c", "import sys" + SCRIPT + body, log_format, level]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == ""
    return run.stderr
