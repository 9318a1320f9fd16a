"""The fuzzer's targets, without the fuzzer."""

import pytest
from typer.testing import CliRunner

from benchmarks.fuzz.__main__ import NAMES, app
from benchmarks.fuzz.targets import TARGETS

CASES = [
    pytest.param(target, seed, id=f"{name}-{number}")
    for name, target in TARGETS.items()
    for number, seed in enumerate(target.seeds())
]


@pytest.mark.parametrize(("target", "seed"), CASES)
def test_a_target_takes_whole_and_truncated_bodies(target, seed):
    for length in (len(seed), len(seed) // 2, 1, 0):
        target.run(seed[:length])


@pytest.mark.parametrize("value", [b"18446744073709551616", b'"a"', b"null"])
def test_the_json_target_takes_any_id(value):
    TARGETS["json"].run(b'{"images": [{"id": %b, "image": ""}]}' % value)


@pytest.mark.parametrize(
    ("installed", "name", "message"), [(True, "jsn", "multipart"), (False, "json", ".[benchmarks]")]
)
def test_an_unknown_target_or_a_missing_fuzzer_is_an_error(monkeypatch, installed, name, message):
    monkeypatch.setattr("service.extras.find_spec", lambda _: installed or None)

    outcome = CliRunner().invoke(app, [name])

    assert outcome.exit_code == 2
    assert message in outcome.output
    assert set(NAMES) == set(TARGETS)
