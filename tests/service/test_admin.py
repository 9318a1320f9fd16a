"""`/admin/reload` of one process, for the caller of each key and for one without."""

import pytest

from service.auth.api_keys import ApiKeys, Role, new_key


@pytest.fixture
def client_of(app_client, models_copy):
    def client(role):
        key, line = new_key("mine", role)
        started = app_client(ApiKeys((line,)), models_dir=models_copy)
        started.headers["X-API-Key"] = key
        return started

    return client


def test_an_admin_reloads_the_models(client_of):
    client = client_of(Role.ADMIN)
    answer = client.post("/admin/reload")
    models = client.get("/models").json()

    assert answer.status_code == 200
    assert answer.json()["workers"] == 1
    assert {each["name"] for each in answer.json()["models"]} == {
        each["name"] for each in (*models["models"], *models["readers"])
    }


def test_an_admin_is_told_why_a_reload_failed(client_of, models_copy):
    client = client_of(Role.ADMIN)
    (models_copy / "manifest.json").unlink()
    answer = client.post("/admin/reload")
    readiness = client.get("/health/ready")
    metrics = client.get("/metrics").text

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/reload-failed"
    assert "manifest.json" in answer.json()["detail"]
    assert readiness.status_code == 200
    assert 'numeral_reloads_total{outcome="failure"} 1.0' in metrics


def test_another_role_is_refused(client_of):
    client = client_of(Role.PREDICT)
    answer = client.post("/admin/reload")

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/role-required"


def test_without_keys_it_is_off(app_client):
    answer = app_client().post("/admin/reload")

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/admin-off"
