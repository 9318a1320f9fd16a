"""Every setting of the service, read once from the environment."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.manifest import PACKAGE_DIRECTORY
from service.extras import how_to_install, is_installed

ENVIRONMENT_PREFIX = "NUMERAL_"

# What the extra `otel` brings.
_OTEL_PACKAGES = (
    "opentelemetry.sdk",
    "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry.instrumentation.asgi",
)

FEEDBACK_DATABASE = "sqlite:///numeral-feedback.db"
# Several processes cannot share a database in memory, which sqlite:// without a file is.
_DATABASE_URL = re.compile(
    r"sqlite:///(?!:memory:).+|postgresql://([^@/]*@)?[^@/:]*(:\d{1,5})?(/[^/?]*)?(\?.*)?"
)

_MIB = 1024 * 1024

# Of errors among accepted answers, as a caller may ask for it.
ErrorRate = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]

_ORIGIN = re.compile(r"\*|https?://[^/?#@\s,]+")


def _origins(value: object) -> object:
    if not isinstance(value, str):
        return value
    origins = tuple(origin.strip() for origin in value.split(",") if origin.strip())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is no origin; write scheme://host or scheme://host:port, nothing after"
            )
    return origins


# Written in one line, parted by commas, where pydantic would read JSON.
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)]


class LogFormat(StrEnum):
    """How a log line is written."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """From which severity on a log line is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class ServingEngine(StrEnum):
    """Who runs the workers."""

    PROCESSES = "processes"
    RAY = "ray"


class Settings(BaseSettings):
    """What can be set, with `NUMERAL_<NAME>` in the environment or `numeral serve --<name>`."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: PositiveInt | None = Field(
        None, description="Processes that answer; unset: as many as there are cores to use."
    )
    models_dir: Path = Field(
        PACKAGE_DIRECTORY, description="Folder with manifest.json and the ONNX files it lists."
    )
    default_model: str | None = Field(
        None, description="Model that answers when a caller names none; unset: the manifest's."
    )
    max_error: ErrorRate = Field(
        0.001, description="Error rate among accepted answers when a caller names none."
    )
    field_max_error: ErrorRate = Field(
        0.01, description="The same for fields, of which an error is one wrong digit or more."
    )
    max_body_bytes: PositiveInt = Field(
        16 * _MIB,
        description="Largest request body, in bytes; a larger one is answered with 413. In a stream"
        " it is the limit for each line.",
    )
    max_total_body_bytes: PositiveInt = Field(
        256 * _MIB,
        description="Most bytes that the bodies of all requests in work in one worker hold; a body"
        " past it is answered with 503.",
    )
    body_timeout: PositiveFloat = Field(
        30.0,
        allow_inf_nan=False,
        description="Seconds that a request body may take to arrive; then 408. In a stream it is"
        " the limit for each pause. A request's head may take as long; then 400.",
    )
    max_pixels: PositiveInt = Field(
        16_000_000, description="Largest picture, width x height; a larger one is not decoded."
    )
    max_batch: PositiveInt = Field(1024, description="Most images in one batch request.")
    max_streams: PositiveInt = Field(
        8, description="Most NDJSON streams at once; a further one is answered with 503."
    )
    max_waiting_bytes: PositiveInt = Field(
        64 * _MIB,
        description="Most bytes of a stream's answers that wait for a caller who does not take"
        " them, in a file in the temporary folder; then no more of its images are read.",
    )
    answer_timeout: PositiveFloat = Field(
        30.0,
        allow_inf_nan=False,
        description="Seconds that the caller of a stream may take none of the answers that wait;"
        " then it is cut off.",
    )
    queue_size: PositiveInt = Field(
        2048,
        description="Most images in work or waiting in one worker, all of a batch counted; a"
        " request past it is answered with 503.",
    )
    request_timeout: PositiveFloat = Field(
        10.0,
        allow_inf_nan=False,
        description="Seconds that a request may take to be answered, once its body is there; then"
        " 504.",
    )
    api_keys_file: Path | None = Field(
        None,
        description="File with the API keys that may call, as numeral keys create writes them;"
        " unset: everyone may.",
    )
    cors_origins: Origins = Field(
        (),
        description="Origins whose pages may call from a browser, parted by commas, such as"
        " https://forms.example; * for all; unset: none.",
    )
    feedback: bool = Field(
        False,
        description="Keep what is read, so that POST /feedback takes the right answers for it;"
        " wants the extra feedback.",
    )
    feedback_database: str | None = Field(
        None,
        description="Where it is kept, which turns feedback on too: sqlite:///FILE, or"
        " postgresql://USER:PASSWORD@HOST/NAME with the extra postgres; unset:"
        f" {FEEDBACK_DATABASE}, in the working directory.",
    )
    feedback_images: bool = Field(
        False,
        description="Keep the pictures too, as the model sees them; numeral export-feedback wants"
        " them.",
    )
    feedback_days: PositiveFloat = Field(
        90.0,
        allow_inf_nan=False,
        description="Days after which a prediction is deleted, with its picture and its feedback.",
    )
    feedback_rows: PositiveInt = Field(
        1_000_000,
        description="Most predictions that are kept; past it the oldest without feedback go.",
    )
    drain_seconds: NonNegativeFloat = Field(
        1.0,
        allow_inf_nan=False,
        description="Seconds to go on answering, not ready any more, between SIGTERM and the end;"
        " SIGINT (Ctrl-C) does not wait.",
    )
    worker_timeout: float = Field(
        30.0,
        ge=2.0,
        allow_inf_nan=False,
        description="Seconds that a worker may give no sign of life, at least 2, as it gives one a"
        " second; then it is replaced.",
    )
    log_format: LogFormat = Field(LogFormat.CONSOLE, description="How log lines are written.")
    log_level: LogLevel = Field(
        LogLevel.INFO, description="Lowest severity logged; info logs a line per request."
    )
    engine: ServingEngine = Field(
        ServingEngine.PROCESSES,
        description="Who runs the workers: the service itself, as processes of its own; or ray, Ray"
        " Serve, on this machine or a cluster, which wants the extra scale.",
    )
    min_workers: PositiveInt = Field(
        1,
        description="With --engine ray, the fewest workers. From there up to workers, Ray Serve"
        " starts and ends them as requests come.",
    )
    target_requests: PositiveFloat = Field(
        16.0,
        allow_inf_nan=False,
        description="With --engine ray, how many requests at a time each worker is to have: more"
        " start more workers, fewer end some.",
    )
    ray_address: str | None = Field(
        None,
        description="With --engine ray, the cluster to run on, such as auto or HOST:6379; unset:"
        " Ray is started on this machine, for the service alone.",
    )
    tracing: bool = Field(
        False,
        description="Send OpenTelemetry traces, as the variables OTEL_* say; wants the extra otel.",
    )

    @property
    def feedback_url(self) -> str | None:
        """Where predictions are kept; None where they are not."""
        return self.feedback_database or (FEEDBACK_DATABASE if self.feedback else None)

    @field_validator("feedback")
    @classmethod
    def _feedback_is_installed(cls, wanted: bool) -> bool:
        if wanted and not is_installed("sqlalchemy"):
            raise ValueError(f"SQLAlchemy is not installed: {how_to_install('feedback')}")
        return wanted

    @field_validator("feedback_database")
    @classmethod
    def _feedback_has_a_database(cls, url: str | None) -> str | None:
        if url is not None:
            cls._feedback_is_installed(True)
            # Without the value, which may hold a password.
            if not _DATABASE_URL.fullmatch(url):
                raise ValueError(
                    "is no database that can be used; write sqlite:///FILE or"
                    " postgresql://USER:PASSWORD@HOST/NAME"
                )
            if url.startswith("postgresql") and not is_installed("psycopg"):
                raise ValueError(f"psycopg is not installed: {how_to_install('postgres')}")
        return url

    @field_validator("engine")
    @classmethod
    def _engine_is_installed(cls, engine: ServingEngine) -> ServingEngine:
        if engine is ServingEngine.RAY and not is_installed("ray"):
            raise ValueError(f"Ray Serve is not installed: {how_to_install('scale')}")
        return engine

    @field_validator("tracing")
    @classmethod
    def _tracing_is_installed(cls, wanted: bool) -> bool:
        if wanted and not all(map(is_installed, _OTEL_PACKAGES)):
            raise ValueError(f"OpenTelemetry is not installed: {how_to_install('otel')}")
        return wanted
