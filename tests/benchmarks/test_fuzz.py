"""The fuzzer's targets, without the fuzzer."""

import pytest
from typer.testing import CliRunner

from benchmarks.fuzz import app
from benchmarks.fuzz_targets import TARGETS

CASES = [
    pytest.param(target, seed, id=f"{name}-{number}")
    for name, target in TARGETS.items()
    for number, seed in enumerate(target.seeds())
]


@pytest.mark.parametrize(("target", "seed"), CASES)
def test_a_target_takes_what_is_right_whole_or_cut(target, seed):
    for length in (len(seed), len(seed) // 2, 1, 0):
        target.run(seed[:length])


@pytest.mark.parametrize("value", [b"18446744073709551616", b'"a"', b"null"])
def test_the_target_for_json_takes_any_id(value):
    TARGETS["json"].run(b'{"images": [{"id": %b, "image": ""}]}' % value)


def test_an_unknown_target_is_answered_with_the_known_ones(monkeypatch):
    monkeypatch.setattr("service.extras.find_spec", lambda _name: True)

    outcome = CliRunner().invoke(app, ["jsn"])

    assert outcome.exit_code == 2
    assert "multipart" in outcome.output


def test_without_atheris_the_command_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("service.extras.find_spec", lambda _name: None)

    outcome = CliRunner().invoke(app, ["json"])

    assert outcome.exit_code == 2
    assert ".[benchmarks]" in outcome.output
