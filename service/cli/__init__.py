"""The command `numeral`."""

from service.cli.commands import app

__all__ = ["app"]
