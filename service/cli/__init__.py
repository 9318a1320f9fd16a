"""The command `numeral`."""

from service.cli.main import app

__all__ = ["app"]
