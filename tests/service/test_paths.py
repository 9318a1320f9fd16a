"""Paths and their templates."""

import pytest

from service.paths import PathTemplates

PATHS = PathTemplates(
    ["/predict", "/models", "/models/{name}", "/v2/models/{name}/infer", "/static/{rest:path}"]
)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/predict", "/predict"),
        ("/models", "/models"),
        ("/models/resnet", "/models/{name}"),
        ("/v2/models/infer/infer", "/v2/models/{name}/infer"),
        ("/static/js/redoc.js", "/static/{rest:path}"),
        ("/models/", "unknown"),
        ("/models/a/b", "unknown"),
        ("/predict/../etc/passwd", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_path_fits_its_template_or_none(path, template):
    assert PATHS.of(path) == template
