"""`numeral serve` on the command line: its options, and what ends it at once."""

import errno
import os
import socket

import pytest

from service.settings import Settings
from tests.cli.running import numeral as here
from tests.e2e.command import numeral


def test_a_port_that_is_taken_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = numeral("serve", "--port", port)

    assert result.returncode == 1
    assert result.stderr.decode() == (
        f"error: cannot listen on 127.0.0.1 port {port}: {os.strerror(errno.EADDRINUSE)};"
        " choose another --host or --port\n"
    )


@pytest.mark.parametrize("host", ["a..b", "nowhere.invalid", "x" * 300, "é" * 100, "::g"])
def test_a_host_that_cannot_be_is_reported_in_one_line(host):
    result = numeral("serve", "--port", "0", "--host", host)

    said = result.stderr.decode()
    assert result.returncode == 1
    assert len(said.splitlines()) == 1
    assert host in said
    assert "--host" in said


def test_an_invalid_variable_is_named():
    result = here("serve", NUMERAL_PORT="70000")

    assert result.returncode == 2
    assert "NUMERAL_PORT" in result.stderr


def test_an_invalid_option_is_named_with_its_variable():
    result = here("serve", "--port", "70000")

    assert result.returncode == 2
    assert "--port (NUMERAL_PORT): Input should be" in result.stderr


def test_every_setting_has_an_option():
    shown = here("serve", "--help", COLUMNS="200").stdout

    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in shown
        assert f"NUMERAL_{name.upper()}" in shown
    assert "typing" not in shown


def test_a_port_that_kubernetes_sets_is_ignored_with_a_warning(start):
    service = start(port="tcp://10.0.0.1:8000", service_host="10.0.0.1")

    assert "warning: ignoring NUMERAL_PORT=tcp://10.0.0.1:8000" in service.log
    assert "sets nothing" not in service.log
