"""`python -m service.cli` is `numeral`."""

from service.cli.commands import app

app(prog_name="numeral")
