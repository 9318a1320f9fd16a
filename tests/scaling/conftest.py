"""A Ray cluster on this machine, which the tests of a module share."""

from importlib.util import find_spec

import pytest

from tests.e2e.command import surroundings


def pytest_collection_modifyitems(items):
    if find_spec("ray") is None:
        missing = pytest.mark.skip(reason="NOT TESTED: Ray, of the extra scale, is not installed")
        for item in items:
            if "/tests/scaling/" in str(item.path):
                item.add_marker(missing)


@pytest.fixture(scope="module")
def nodes():
    """A cluster whose head has one core; other nodes may be added and killed."""
    variables = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # That a node has ended is noticed sooner than Ray would.
        "RAY_health_check_initial_delay_ms": "1000",
        "RAY_health_check_period_ms": "500",
        "RAY_health_check_timeout_ms": "2000",
    }
    with pytest.MonkeyPatch.context() as patch:
        # Workers of a node have its surroundings, not those of the command that joins it.
        for name, value in surroundings(**variables).items():
            patch.setenv(name, value)
        from tests.scaling.nodes import Nodes

        nodes = Nodes(cores=1)
        yield nodes
        nodes.end()
