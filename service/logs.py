"""Log lines: for people on the console, or as JSON for a collector. Never image content."""

import json
import logging
import logging.config
import os
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.settings import LogFormat, LogLevel

ACCESS_LOGGER = "service.access"

_encode = json.JSONEncoder(ensure_ascii=False, default=repr).encode


def configure_logging(log_format: LogFormat, level: LogLevel) -> None:
    """Send the log of the whole process to standard error; for the entry point of a process.

    Lines of structlog are written directly; those of the standard library (the service's own,
    uvicorn's, other libraries') pass a handler; both look the same. Every line names the process,
    and has what `structlog.contextvars` holds for its request.
    """
    process = os.getpid()

    def add_process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        # Several workers write to the same log.
        event["process"] = process
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        add_process,
    ]
    render: list[Processor] = [
        structlog.dev.ConsoleRenderer(
            timestamp_key="time",
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            # A traceback with local variables could show what is in an image.
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]
    if log_format is LogFormat.JSON:
        render = [structlog.processors.format_exc_info, _to_json]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [structlog.stdlib.add_logger_name, *shared],
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"structlog": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {
                "uvicorn": {"level": "WARNING"},
                # It warns of every malformed form, which the client is told anyway.
                "python_multipart": {"level": "ERROR"},
            },
        }
    )


def _to_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    first = {name: event.pop(name, None) for name in ("time", "level", "logger", "event")}
    return _encode(first | dict(event))
