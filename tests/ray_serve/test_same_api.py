"""The tests of the HTTP API, as they are, against the service on Ray Serve."""

import inspect

import pytest

from tests.e2e import (
    test_batch,
    test_docs,
    test_errors,
    test_metrics,
    test_models,
    test_normalise,
    test_predict,
    test_requests,
    test_security_headers,
    test_stream,
    test_v2_errors,
)

_MODULES = (
    *(test_predict, test_batch, test_normalise, test_stream, test_errors, test_requests),
    *(test_models, test_metrics, test_v2_errors, test_docs),
    test_security_headers,
)


@pytest.fixture(scope="module")
def server(on_ray):
    """In place of the service in processes of its own."""
    return on_ray().url


def _tests_of_a_server(module):
    """A class with those tests of `module` that any service that runs will do for."""
    tests = {
        name: staticmethod(test)
        for name, test in vars(module).items()
        if name.startswith("test_") and _asks_for_no_more_than_a_server(test, module)
    }
    return type(f"Test{module.__name__.rpartition('.test_')[2].title()}", (), tests)


def _asks_for_no_more_than_a_server(test, module):
    wanted = inspect.signature(test).parameters
    fixtures_of_its_own = wanted.keys() & vars(module).keys()
    marks = {mark.name for mark in getattr(test, "pytestmark", ())}
    return "server" in wanted and not fixtures_of_its_own and "own_processes" not in marks


for _module in _MODULES:
    _class = _tests_of_a_server(_module)
    globals()[_class.__name__] = _class
