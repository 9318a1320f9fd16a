"""Log lines: for a person on the console, or as JSON for a collector. Never image content."""

import json
import logging
import logging.config
from datetime import UTC, datetime

from service.settings import LogFormat, LogLevel

_CONSOLE_FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write `record` with its time in UTC, and its request id if it has one."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", None):
            entry["request_id"] = request_id
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure_logging(log_format: LogFormat, level: LogLevel) -> None:
    """Send the log of the whole process to standard error; for the process's entry point."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                LogFormat.CONSOLE: {"format": _CONSOLE_FORMAT},
                LogFormat.JSON: {"()": JsonFormatter},
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": log_format}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {
                "uvicorn": {"level": "WARNING"},
                # It warns of every malformed form, which the sender is told anyway.
                "python_multipart": {"level": "ERROR"},
            },
        }
    )
