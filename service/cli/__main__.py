"""`python -m service.cli` is `numeral`."""

from service.cli.commands import app

# A worker process imports this module again.
if __name__ == "__main__":
    app(prog_name="numeral")
