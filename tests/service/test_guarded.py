"""Which paths ask for a key, and for which."""

import pytest

from service.api.guarded import role_for
from service.auth.api_keys import Role


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/page/scripts/main.js",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/health/live",
        "/problems",
        "/v2/health/ready",
    ],
)
def test_what_is_open(path):
    assert role_for(path) is None


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/predict", Role.PREDICT),
        ("/predict/batch", Role.PREDICT),
        ("/models", Role.PREDICT),
        ("/normalise", Role.PREDICT),
        ("/v2", Role.PREDICT),
        ("/v2/models/cnn/infer", Role.PREDICT),
        ("/metrics", Role.METRICS),
        ("/admin/reload", Role.ADMIN),
    ],
)
def test_what_a_path_asks_for(path, role):
    assert role_for(path) is role


@pytest.mark.parametrize(
    "path", ["", "/new", "//health/live", "/healthy", "/docs/", "/page", "/v2/healthy"]
)
def test_a_path_that_is_not_known_is_guarded(path):
    assert role_for(path) is Role.PREDICT
