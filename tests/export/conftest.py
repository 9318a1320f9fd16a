"""Exports that measure the speed in a few rounds."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _few_rounds():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("export.speed._ROUNDS", 10)
        patch.setattr("export.reader.measure._ROUNDS", 10)
        yield
