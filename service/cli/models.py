"""`numeral models`: the comparison that `GET /models` gives, as a table."""

from typing import TypeVar

from models.manifest import Evaluation, ModelCard
from models.reader_card import FieldEvaluation, ReaderCard
from models.records import Card, Point
from service.cli.loading import load_or_exit
from service.cli.tables import print_table
from service.inference.catalogue import Catalogue
from service.settings import Settings

_Point = TypeVar("_Point", bound=Point)

_SOME_FAILED = 1
_COLUMNS = ("model", "version", "parameters", "accuracy", "95% interval", "read rate", "status")
_READER_COLUMNS = ("reader", *_COLUMNS[1:])


def run(settings: Settings) -> int:
    """Print a line per model; the exit status."""
    catalogue = load_or_exit(settings)
    print_table(
        _COLUMNS,
        (_cells(card, catalogue, settings.max_error) for card in catalogue.cards.values()),
    )
    if catalogue.reader_cards:
        print_table(
            _READER_COLUMNS,
            (
                _reader_cells(card, catalogue, settings.field_max_error)
                for card in catalogue.reader_cards.values()
            ),
        )
    return _SOME_FAILED if catalogue.failures else 0


def _cells(card: ModelCard, catalogue: Catalogue, max_error: float) -> tuple[str, ...]:
    point = _point(card, max_error)
    return (
        *_named(card, catalogue.default),
        *_accuracy(card.test),
        f"{point.test.read_rate:.2%} at {point.max_error:g}" if point else "-",
        _status(card.name, catalogue),
    )


def _reader_cells(card: ReaderCard, catalogue: Catalogue, max_error: float) -> tuple[str, ...]:
    # Of real amounts, which are what readers are for.
    point = _point(card, max_error)
    return (
        *_named(card, catalogue.default_reader),
        *_accuracy(card.held_out.amounts),
        f"{point.held_out.amounts.read_rate:.2%} at {point.max_error:g}" if point else "-",
        _status(card.name, catalogue),
    )


def _named(card: ModelCard | ReaderCard, default: str | None) -> tuple[str, ...]:
    name = f"{card.name} (default)" if card.name == default else card.name
    return name, card.version, f"{card.parameters:,}"


def _accuracy(measured: Evaluation | FieldEvaluation) -> tuple[str, str]:
    interval = measured.accuracy_interval
    return f"{measured.accuracy:.2%}", f"{interval.low:.2%} to {interval.high:.2%}"


def _point(card: Card[_Point], max_error: float) -> _Point | None:
    try:
        return card.operating_point(max_error)
    except LookupError:
        return None


def _status(name: str, catalogue: Catalogue) -> str:
    failure = catalogue.failures.get(name)
    return f"failed: {failure}" if failure else "loaded"
