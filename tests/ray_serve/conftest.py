"""`numeral serve --engine ray`, started once for all tests that look at it in the same way."""

import contextlib

import pytest

from tests.e2e.running import run_service


@pytest.fixture(scope="module")
def on_ray(tmp_path_factory):
    """Starts the service on Ray Serve, with settings of a module's own, and waits for it."""
    pytest.importorskip("ray.serve", reason="Ray Serve, of the extra scale, is not installed")
    with contextlib.ExitStack() as running:

        def started(**settings):
            folder = tmp_path_factory.mktemp("ray")
            service = running.enter_context(run_service(folder, engine="ray", **settings))
            service.wait_until_ready()
            return service

        yield started
