"""The settings: from the environment, described, within reason."""

import pytest
from pydantic import ValidationError

from service.environment import drop_service_link, unknown_variables
from service.settings import Settings


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("NUMERAL_MAX_BATCH", "7")

    assert Settings().max_batch == 7


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name):
    assert Settings.model_fields[name].description


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_variable_sets_nothing(monkeypatch, name):
    expected = getattr(Settings(), name)
    monkeypatch.setenv(f"NUMERAL_{name.upper()}", "")

    assert getattr(Settings(), name) == expected


@pytest.mark.parametrize("name", ["request_timeout", "body_timeout", "max_error"])
@pytest.mark.parametrize("value", ["inf", "nan", "-1"])
def test_a_time_or_rate_is_a_number(name, value):
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: value})


def test_a_worker_is_given_time_for_a_sign_of_life(monkeypatch):
    monkeypatch.setenv("NUMERAL_WORKER_TIMEOUT", "1.9")

    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        Settings()


def test_origins_are_parted_by_commas(monkeypatch):
    monkeypatch.setenv("NUMERAL_CORS_ORIGINS", "https://forms.example, http://localhost:3000")

    assert Settings().cors_origins == ("https://forms.example", "http://localhost:3000")


@pytest.mark.parametrize(
    "value", ["forms.example", "https://forms.example/", "https://a b", "null"]
)
def test_what_is_no_origin_is_an_error(value):
    with pytest.raises(ValidationError, match="is no origin; write scheme://host"):
        Settings(cors_origins=value)


def test_a_variable_that_sets_nothing_is_found(monkeypatch):
    for name in ("NUMERAL_QUEUE_SISE", "NUMERAL_QUEUE_SIZE", "NUMERAL_DATA", "NUMERALS"):
        monkeypatch.setenv(name, "1")

    assert unknown_variables() == ["NUMERAL_QUEUE_SISE"]


def test_traces_are_refused_where_opentelemetry_is_not_installed(monkeypatch):
    monkeypatch.setattr("service.extras.find_spec", lambda _: None)

    with pytest.raises(ValidationError, match=r"pip install -e '\.\[otel\]'"):
        Settings(tracing=True)
    assert not Settings().tracing


def test_a_port_that_kubernetes_set_is_dropped():
    environment = {"NUMERAL_PORT": "tcp://10.0.0.1:8000"}

    assert drop_service_link(environment) == "tcp://10.0.0.1:8000"
    assert environment == {}


def test_a_port_that_somebody_set_is_kept():
    environment = {"NUMERAL_PORT": "8000"}

    assert drop_service_link(environment) is None
    assert environment == {"NUMERAL_PORT": "8000"}


def test_what_else_kubernetes_sets_is_not_warned_of(monkeypatch):
    for name in ("SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT_8000_TCP", "PORT_8000_TCP_ADDR"):
        monkeypatch.setenv(f"NUMERAL_{name}", "1")

    assert unknown_variables() == []


@pytest.mark.parametrize(
    "settings", [{"feedback": True}, {"feedback_database": "sqlite:////data/feedback.db"}]
)
def test_feedback_is_refused_where_its_library_is_not_installed(monkeypatch, settings):
    monkeypatch.setattr("service.extras.find_spec", lambda _: None)

    with pytest.raises(ValidationError, match=r"pip install -e '\.\[feedback\]'"):
        Settings(**settings)
    assert Settings().feedback_url is None


def test_postgresql_is_refused_where_its_library_is_not_installed(monkeypatch):
    monkeypatch.setattr(
        "service.extras.find_spec", lambda name: None if name == "psycopg" else name
    )

    with pytest.raises(ValidationError, match=r"pip install -e '\.\[postgres\]'"):
        Settings(feedback_database="postgresql://db/numeral")


@pytest.mark.parametrize(
    "url", ["feedback.db", "sqlite://", "sqlite:///:memory:", "mysql://:secret@db/x", "sqlite:///",
            "postgresql://db:port/x"],
)  # fmt: skip
def test_what_is_no_database_is_told_without_what_it_was(url):
    with pytest.raises(ValidationError) as told:
        Settings(feedback_database=url)

    [fault] = told.value.errors()
    assert "write sqlite:///FILE or postgresql://" in fault["msg"]
    assert "secret" not in fault["msg"]


def test_either_setting_turns_feedback_on():
    pytest.importorskip("sqlalchemy", reason="needs the extra 'feedback'")
    named = "sqlite:////data/feedback.db"

    assert Settings(feedback=True).feedback_url == "sqlite:///numeral-feedback.db"
    assert Settings(feedback_database=named).feedback_url == named
    assert Settings(feedback=True, feedback_database=named).feedback_url == named
