"""Run `numeral` as `python -m service.cli`."""

from service.cli.main import app

# Worker processes import this module again.
if __name__ == "__main__":
    app(prog_name="numeral")
