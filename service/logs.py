"""Log lines: for people on the console, or as JSON for a collector. Never image content."""

import json
import logging
import logging.config
import os
import sys
from functools import partial

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.settings import LogFormat, LogLevel

ACCESS_LOGGER = "service.access"

_FIRST = ("time", "level", "logger", "event")

_encode = json.JSONEncoder(ensure_ascii=False, default=repr).encode


def configure_logging(log_format: LogFormat, level: LogLevel) -> None:
    """Send the log of the whole process to standard error; for the entry point of a process.

    Lines of structlog are written directly; those of the standard library (the service's own,
    uvicorn's, other libraries') pass a handler; both look the same. Every line names the process,
    and has what `structlog.contextvars` holds for its request.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        partial(_add_process, pid=os.getpid()),
    ]
    render = _json_processors() if log_format is LogFormat.JSON else _console_processors()
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


def _add_process(_: WrappedLogger, __: str, event: EventDict, *, pid: int) -> EventDict:
    # Several workers write to the same log.
    event["process"] = pid
    return event


def _json_processors() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        _in_order,
        structlog.processors.JSONRenderer(serializer=lambda event, **_: _encode(event)),
    ]


def _console_processors() -> list[Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            timestamp_key="time",
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            # A traceback with local variables could show what is in an image.
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]


def _in_order(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: event.pop(name, None) for name in _FIRST} | dict(event)
