"""A Ray cluster on this machine, which the tests of a module share."""

from importlib.util import find_spec

import pytest

from tests.e2e.command import surroundings


@pytest.fixture(scope="module")
def nodes():
    """A cluster whose head has two cores; other nodes may be added and killed."""
    if find_spec("ray") is None:
        pytest.skip("NOT TESTED: Ray, of the extra scale, is not installed")
    variables = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # The end of a node is noticed sooner than by default.
        "RAY_health_check_initial_delay_ms": "1000",
        "RAY_health_check_period_ms": "500",
        "RAY_health_check_timeout_ms": "2000",
    }
    with pytest.MonkeyPatch.context() as patch:
        # Workers of a node have its environment, not that of the command that joins it.
        for name, value in surroundings(**variables).items():
            patch.setenv(name, value)
        from tests.scoring.nodes import Nodes

        nodes = Nodes(cores=2)
        yield nodes
        nodes.end()
