"""Every setting of the service, read once from the environment."""

import os
import re
from collections.abc import MutableMapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.manifest import PACKAGE_DIRECTORY
from service.extras import how_to_install, is_installed
from service.validation import Decimal, must_be

ENVIRONMENT_PREFIX = "NUMERAL_"
FEEDBACK_DATABASE = "sqlite:///numeral-feedback.db"

# The extra that a setting requires, and packages of it.
_FEEDBACK = ("feedback", "sqlalchemy")
_EXTRAS = {
    "feedback": _FEEDBACK,
    "feedback_database": _FEEDBACK,
    "engine": ("scale", "ray"),
    "tracing": (
        "otel",
        "opentelemetry.sdk",
        "opentelemetry.exporter.otlp.proto.http",
        "opentelemetry.instrumentation.asgi",
    ),
}
# Not a database in memory, which `sqlite://` alone is: several processes could not share it.
_DATABASE_URL = re.compile(
    r"sqlite:///(?!:memory:).+|postgresql://([^@/]*@)?[^@/:]*(:\d{1,5})?(/[^/?]*)?(\?.*)?"
)
_ORIGIN = re.compile(r"\*|https?://[^/?#@\s,]+")

# The only variable with the prefix that is not a setting: where training finds MNIST.
_DATA_VARIABLE = "NUMERAL_DATA"
# A Kubernetes Service named numeral sets such variables in every container of its namespace:
# https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
_SERVICE_LINK = re.compile(
    r"NUMERAL_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_.+)?)"
)
_PORT_VARIABLE = "NUMERAL_PORT"
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")

_MIB = 1024 * 1024
_SHORTEST_KEY = 16

ErrorRate = Annotated[
    Decimal, Field(ge=0.0, le=1.0, allow_inf_nan=False), must_be("a number from 0 to 1")
]
_Seconds = Annotated[PositiveFloat, Field(allow_inf_nan=False)]


def _origins(value: object) -> object:
    if not isinstance(value, str):
        return value
    origins = tuple(origin.strip() for origin in value.split(",") if origin.strip())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is not an origin; write scheme://host or scheme://host:port, without a"
                " path"
            )
    return origins


# Separated by commas, where pydantic would read JSON.
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)]


def _names(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]


class LogFormat(StrEnum):
    """Formats of log lines."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """Lowest severities of log lines."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class ServingEngine(StrEnum):
    """What runs the workers."""

    PROCESSES = "processes"
    RAY = "ray"


class Settings(BaseSettings):
    """Settings, from `NUMERAL_<NAME>` in the environment or `numeral serve --<name>`."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    workers: PositiveInt | None = Field(
        None, description="Number of worker processes; by default one per available core."
    )
    models_dir: Path = Field(
        PACKAGE_DIRECTORY, description="Directory of manifest.json and the ONNX files it lists."
    )
    default_model: str | None = Field(
        None, description="Model that answers when a request names none; by default the manifest's."
    )
    max_error: ErrorRate = Field(
        0.001, description="Maximum error rate among accepted answers when a request names none."
    )
    field_max_error: ErrorRate = Field(
        0.01, description="The same for fields, where one wrong digit makes a field wrong."
    )
    calibrations: Path | None = Field(
        None, description="Directory of calibrations, as numeral calibrate writes them."
    )
    default_calibrations: Names = Field(
        (),
        description="Comma-separated names of calibrations for requests that name none, at most one"
        " per model.",
    )
    forms: Path | None = Field(
        None, description="Directory of form files, YAML; loaded again with the models."
    )
    max_body_bytes: PositiveInt = Field(
        16 * _MIB,
        description="Maximum size of a request body in bytes, and of each line of a stream; larger"
        " ones get 413.",
    )
    max_total_body_bytes: PositiveInt = Field(
        256 * _MIB,
        description="Maximum size in bytes of all request bodies that a worker holds at once; a"
        " body beyond it gets 503.",
    )
    body_timeout: _Seconds = Field(
        30.0,
        description="Seconds until a request body must be complete, else 408; in a stream, the"
        " limit for each pause. The same for the head of a request, else 400.",
    )
    max_pixels: PositiveInt = Field(
        16_000_000, description="Maximum width x height of a picture; larger ones get 413."
    )
    max_batch: PositiveInt = Field(1024, description="Maximum number of images in a batch.")
    max_streams: PositiveInt = Field(
        8, description="Maximum number of open NDJSON streams; another one gets 503."
    )
    max_waiting_bytes: PositiveInt = Field(
        64 * _MIB,
        description="Maximum size in bytes of a stream's answers that wait for a slow client, which"
        " count as bodies too; at the limit no more images of the stream are read.",
    )
    answer_timeout: _Seconds = Field(
        30.0,
        description="Seconds after which a connection is closed whose client reads no answers.",
    )
    queue_size: PositiveInt = Field(
        2048,
        description="Maximum number of images that a worker has queued or running, counting every"
        " image of a batch; a request beyond it gets 503.",
    )
    request_timeout: _Seconds = Field(
        10.0,
        description="Seconds until a request must be answered once its body has arrived, else 504.",
    )
    api_keys_file: Path | None = Field(
        None,
        description="File of API keys, as numeral keys create writes them; by default no key is"
        " required.",
    )
    cors_origins: Origins = Field(
        (),
        description="Comma-separated CORS origins, such as https://forms.example; * allows all; by"
        " default none.",
    )
    feedback: bool = Field(
        False,
        description="Store predictions, so that POST /feedback accepts the right answers; requires"
        " the feedback extra.",
    )
    feedback_database: str | None = Field(
        None,
        description="Database for predictions and feedback, which turns feedback on: sqlite:///FILE,"
        " or postgresql://USER:PASSWORD@HOST/NAME with the postgres extra; by default"
        f" {FEEDBACK_DATABASE} in the working directory.",
    )
    feedback_images: bool = Field(
        False,
        description="Store the pictures too, as the model sees them; numeral export-feedback"
        " requires them.",
    )
    feedback_pages: bool = Field(
        False,
        description="Store the whole picture too, until a person has reviewed it: a JPEG with a"
        " longer side of at most 1600 pixels.",
    )
    feedback_days: _Seconds = Field(
        90.0, description="Days until a prediction is deleted, with its picture and its feedback."
    )
    feedback_rows: PositiveInt = Field(
        1_000_000,
        description="Maximum number of stored predictions; at the limit the oldest without feedback"
        " are deleted.",
    )
    audit_key: str | None = Field(
        None,
        repr=False,
        description="Secret that chooses which pictures are audited, at least 16 characters; the"
        " same for all workers and machines.",
    )
    audit_rate: ErrorRate = Field(
        0.0,
        description="Share of the answers that would be accepted to send to review instead, so that"
        " people's answers show the error rate; requires feedback and an audit key.",
    )
    audit_days: _Seconds = Field(
        30.0,
        description="Days of people's answers from which the error rate is stated, at most"
        " feedback-days.",
    )
    drain_seconds: NonNegativeFloat = Field(
        1.0,
        allow_inf_nan=False,
        description="Seconds to keep answering, while not ready, after SIGTERM; SIGINT (Ctrl-C)"
        " does not wait.",
    )
    worker_timeout: float = Field(
        30.0,
        ge=2.0,
        allow_inf_nan=False,
        description="Seconds without a sign of life, at least 2, after which a worker is replaced.",
    )
    log_format: LogFormat = Field(LogFormat.CONSOLE, description="Format of log lines.")
    log_level: LogLevel = Field(
        LogLevel.INFO, description="Lowest severity to log; info logs a line per request."
    )
    engine: ServingEngine = Field(
        ServingEngine.PROCESSES,
        description="What runs the workers: processes of the service, or ray, Ray Serve on this"
        " machine or a cluster, which requires the scale extra.",
    )
    min_workers: PositiveInt = Field(
        1,
        description="With --engine ray, the minimum number of workers; Ray Serve starts and stops"
        " others, up to workers, as the load changes.",
    )
    target_requests: PositiveFloat = Field(
        16.0,
        allow_inf_nan=False,
        description="With --engine ray, the number of concurrent requests per worker to aim for.",
    )
    ray_address: str | None = Field(
        None,
        description="With --engine ray, the cluster to use, such as auto or HOST:6379; by default"
        " Ray is started on this machine.",
    )
    tracing: bool = Field(
        False,
        description="Send OpenTelemetry traces, configured by the OTEL_* variables; requires the"
        " otel extra.",
    )

    @property
    def feedback_url(self) -> str | None:
        """URL of the feedback database; None where feedback is off."""
        return self.feedback_database or (FEEDBACK_DATABASE if self.feedback else None)

    @field_validator(*_EXTRAS)
    @classmethod
    def _is_installed(cls, value: object, info: ValidationInfo) -> object:
        if value not in (None, False, ServingEngine.PROCESSES):
            _require(*_EXTRAS[str(info.field_name)])
        return value

    @field_validator("feedback_database")
    @classmethod
    def _is_usable(cls, url: str | None) -> str | None:
        # The message omits the value, which may hold a password.
        if url and not _DATABASE_URL.fullmatch(url):
            raise ValueError(
                "is not a usable database; write sqlite:///FILE or"
                " postgresql://USER:PASSWORD@HOST/NAME"
            )
        if url and url.startswith("postgresql"):
            _require("postgres", "psycopg")
        return url

    # A validator of the model would have no setting to name; the fields above are validated before.
    @field_validator("audit_rate")
    @classmethod
    def _has_feedback_and_key(cls, rate: float, info: ValidationInfo) -> float:
        if rate and not (info.data.get("feedback") or info.data.get("feedback_database")):
            raise ValueError("requires feedback; set NUMERAL_FEEDBACK=true")
        if rate and len(info.data.get("audit_key") or "") < _SHORTEST_KEY:
            raise ValueError(
                f"requires NUMERAL_AUDIT_KEY, a secret of at least {_SHORTEST_KEY} characters; make"
                " one with: openssl rand -hex 32"
            )
        return rate


def _require(extra: str, *packages: str) -> None:
    if not all(map(is_installed, packages)):
        raise ValueError(f"{', '.join(packages)} is not installed: {how_to_install(extra)}")


def drop_service_link(environment: MutableMapping[str, str]) -> str | None:
    """Remove a NUMERAL_PORT that Kubernetes set from `environment`, and return it.

    For a Service named numeral it is the URL of that Service, not a port to listen on.
    """
    if _LINK_VALUE.match(environment.get(_PORT_VARIABLE, "")):
        return environment.pop(_PORT_VARIABLE)
    return None


def unknown_variables() -> list[str]:
    """Return the names of `NUMERAL_*` variables in the environment that are not settings."""
    known = {_DATA_VARIABLE, *(ENVIRONMENT_PREFIX + name.upper() for name in Settings.model_fields)}
    return sorted(
        name
        for name in os.environ
        if name.upper().startswith(ENVIRONMENT_PREFIX)
        and name.upper() not in known
        and not _SERVICE_LINK.fullmatch(name)
    )
