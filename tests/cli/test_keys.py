"""`numeral keys create`, and `numeral serve` with a file of keys."""

import json
import re

import httpx
import pytest

from tests.cli.running import numeral as here
from tests.e2e.command import numeral


def test_a_created_key_is_accepted(start, tmp_path):
    made = here("keys", "create", "till", "--role", "predict", "--quota", "1000/minute")
    [key] = re.findall(r"numeral_\S{43}", made.stderr)
    file = tmp_path / "keys.jsonl"
    file.write_text(made.stdout)

    service = start(api_keys_file=file)
    service.wait_until_ready()

    assert json.loads(made.stdout)["quota"] == "1000/minute"
    assert key not in made.stdout
    assert httpx.get(f"{service.url}/models", headers={"X-API-Key": key}).status_code == 200


@pytest.mark.parametrize("arguments", [["a b"], ["till", "--quota", "5"], ["till", "--role", "x"]])
def test_an_invalid_key_is_refused(arguments):
    result = here("keys", "create", *arguments)

    assert result.returncode == 2
    assert result.stdout == ""


def test_a_name_that_is_taken_gets_no_second_key(tmp_path):
    file = tmp_path / "keys.jsonl"
    settings = {"NUMERAL_API_KEYS_FILE": str(file), "COLUMNS": "500"}
    made = here("keys", "create", "till", **settings)
    file.write_text(made.stdout)

    again = here("keys", "create", "till", **settings)

    assert "went to standard output" in made.stderr
    assert again.returncode == 2
    assert again.stdout == ""
    assert f"{file} already has a key named 'till'" in again.stderr
    assert here("keys", "create", "till2", **settings).returncode == 0


@pytest.mark.parametrize("content", [None, "", "numeral_abc\n"])
def test_the_service_does_not_start_open_because_its_keys_are_wrong(tmp_path, content):
    file = tmp_path / "keys.jsonl"
    if content is not None:
        file.write_text(content)

    result = numeral("serve", "--port", "0", "--api-keys-file", str(file))

    assert result.returncode == 2
    assert str(file) in result.stderr.decode()
    assert b"numeral_abc" not in result.stderr
    assert b"Traceback" not in result.stderr
