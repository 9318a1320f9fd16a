"""`numeral models`: the comparison that `GET /models` gives, as a table."""

from models.manifest import ModelCard
from service.cli.loading import load_or_exit
from service.cli.tables import print_table
from service.inference.catalogue import Catalogue
from service.settings import Settings

_SOME_FAILED = 1
_COLUMNS = ("model", "version", "parameters", "accuracy", "95% interval", "read rate", "status")


def run(settings: Settings) -> int:
    """Print a line per model; the exit status."""
    catalogue = load_or_exit(settings)
    print_table(
        _COLUMNS,
        (_cells(card, catalogue, settings.max_error) for card in catalogue.cards.values()),
    )
    return _SOME_FAILED if catalogue.failures else 0


def _cells(card: ModelCard, catalogue: Catalogue, max_error: float) -> tuple[str, ...]:
    interval = card.test.accuracy_interval
    default = " (default)" if card.name == catalogue.default else ""
    failure = catalogue.failures.get(card.name)
    return (
        card.name + default,
        card.version,
        f"{card.parameters:,}",
        f"{card.test.accuracy:.2%}",
        f"{interval.low:.2%} to {interval.high:.2%}",
        _read_rate(card, max_error),
        f"failed: {failure}" if failure else "loaded",
    )


def _read_rate(card: ModelCard, max_error: float) -> str:
    try:
        point = card.operating_point(max_error)
    except LookupError:
        return "-"
    return f"{point.test.read_rate:.2%} at {point.max_error:g}"
