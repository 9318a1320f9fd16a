"""Settings: read from the environment, described, validated."""

import pytest
from pydantic import ValidationError

from service.settings import Settings, drop_service_link, unknown_variables


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


def test_the_worker_timeout_is_at_least_two_seconds(monkeypatch):
    monkeypatch.setenv("NUMERAL_WORKER_TIMEOUT", "1.9")

    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        Settings()


def test_origins_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("NUMERAL_CORS_ORIGINS", "https://forms.example, http://localhost:3000")

    assert Settings().cors_origins == ("https://forms.example", "http://localhost:3000")


@pytest.mark.parametrize(
    "value", ["forms.example", "https://forms.example/", "https://a b", "null"]
)
def test_an_invalid_origin_is_refused(value):
    with pytest.raises(ValidationError, match="is not an origin; write scheme://host"):
        Settings(cors_origins=value)


def test_an_unknown_variable_is_found(monkeypatch):
    for name in ("NUMERAL_QUEUE_SISE", "NUMERAL_QUEUE_SIZE", "NUMERAL_DATA", "NUMERALS"):
        monkeypatch.setenv(name, "1")

    assert unknown_variables() == ["NUMERAL_QUEUE_SISE"]


def test_tracing_requires_opentelemetry(monkeypatch):
    monkeypatch.setattr("service.extras.find_spec", lambda _: None)

    with pytest.raises(ValidationError, match=r"pip install -e '\.\[otel\]'"):
        Settings(tracing=True)
    assert not Settings().tracing


def test_a_port_from_kubernetes_is_dropped():
    environment = {"NUMERAL_PORT": "tcp://10.0.0.1:8000"}

    assert drop_service_link(environment) == "tcp://10.0.0.1:8000"
    assert environment == {}


def test_a_port_from_the_user_stays():
    environment = {"NUMERAL_PORT": "8000"}

    assert drop_service_link(environment) is None
    assert environment == {"NUMERAL_PORT": "8000"}


def test_other_variables_from_kubernetes_are_known(monkeypatch):
    for name in ("SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT_8000_TCP", "PORT_8000_TCP_ADDR"):
        monkeypatch.setenv(f"NUMERAL_{name}", "1")

    assert unknown_variables() == []


@pytest.mark.parametrize(
    "settings", [{"feedback": True}, {"feedback_database": "sqlite:////data/feedback.db"}]
)
def test_feedback_requires_sqlalchemy(monkeypatch, settings):
    monkeypatch.setattr("service.extras.find_spec", lambda _: None)

    with pytest.raises(ValidationError, match=r"pip install -e '\.\[feedback\]'"):
        Settings(**settings)
    assert Settings().feedback_url is None


def test_postgresql_requires_psycopg(monkeypatch):
    monkeypatch.setattr(
        "service.extras.find_spec", lambda name: None if name == "psycopg" else name
    )

    with pytest.raises(ValidationError, match=r"pip install -e '\.\[postgres\]'"):
        Settings(feedback_database="postgresql://db/numeral")


@pytest.mark.parametrize(
    "url", ["feedback.db", "sqlite://", "sqlite:///:memory:", "mysql://:secret@db/x", "sqlite:///",
            "postgresql://db:port/x"],
)  # fmt: skip
def test_an_invalid_database_is_refused_without_repeating_it(url):
    with pytest.raises(ValidationError) as raised:
        Settings(feedback_database=url)

    [fault] = raised.value.errors()
    assert "write sqlite:///FILE or postgresql://" in fault["msg"]
    assert "secret" not in fault["msg"]


def test_either_setting_turns_feedback_on():
    pytest.importorskip("sqlalchemy", reason="needs the extra 'feedback'")
    named = "sqlite:////data/feedback.db"

    assert Settings(feedback=True).feedback_url == "sqlite:///numeral-feedback.db"
    assert Settings(feedback_database=named).feedback_url == named
    assert Settings(feedback=True, feedback_database=named).feedback_url == named


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"audit_key": "0123456789abcdef"}, "requires feedback; set NUMERAL_FEEDBACK=true"),
        ({"feedback": True}, "requires NUMERAL_AUDIT_KEY, .* openssl rand -hex 32"),
        ({"feedback": True, "audit_key": "short"}, "of at least 16 characters"),
    ],
)
def test_an_audit_requires_feedback_and_a_key(given, fault):
    with pytest.raises(ValidationError, match=fault):
        Settings(audit_rate=0.005, **given)
    complete = Settings(audit_rate=0.005, audit_key="0123456789abcdef", feedback=True)
    assert "0123456789abcdef" not in repr(complete)
