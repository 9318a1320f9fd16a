"""`/admin/reload` for a caller whom the service knows; who that is, is not this test's affair."""

from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings


class KnownCaller:
    """A middleware that says who calls, as that for API keys does."""

    def __init__(self, app, roles):
        self.app = app
        self.roles = roles

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            scope.setdefault("state", {})["caller"] = SimpleNamespace(roles=self.roles)
        await self.app(scope, receive, send)


@pytest.fixture
def client_of(models_copy):
    def client(*roles):
        app = create_app(Settings(models_dir=models_copy), load_first=True)
        app.add_middleware(KnownCaller, roles=frozenset(roles))
        return TestClient(app)

    return client


def test_an_admin_reloads_the_models(client_of):
    with client_of("admin") as client:
        answer = client.post("/admin/reload")
        models = client.get("/models").json()

    assert answer.status_code == 200
    assert answer.json()["workers"] == 1
    assert {each["name"] for each in answer.json()["models"]} == {
        each["name"] for each in models["models"]
    }


def test_an_admin_is_told_why_a_reload_failed(client_of, models_copy):
    with client_of("admin") as client:
        (models_copy / "manifest.json").unlink()
        answer = client.post("/admin/reload")
        readiness = client.get("/health/ready")

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/reload-failed"
    assert "manifest.json" in answer.json()["detail"]
    assert readiness.status_code == 200


def test_another_role_is_refused(client_of):
    with client_of("predict") as client:
        answer = client.post("/admin/reload")

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/not-admin"
