"""Comparison of a new model with the old one, on the same images and the same machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from export.measure import evaluate, without_outliers
from export.publish import Card, Exported
from export.reader.measure import measure_speed as measure_reader_speed
from export.runtime import run
from export.speed import measure_speed
from models.error_rates import select
from models.manifest import (
    MANIFEST_NAME,
    PACKAGE_DIRECTORY,
    ManifestError,
    ModelCard,
    ModelFileError,
    load_manifest,
    read_model_file,
)
from models.mnist import Digits
from models.reader_card import KINDS
from models.records import Selection

DIGITS_MAX_ERROR, FIELDS_MAX_ERROR = 0.001, 0.01  # the defaults of the service


@dataclass(frozen=True)
class Figure:
    """One measurement of a model; a lower one is worse if `checked`."""

    name: str
    value: float
    text: str
    checked: bool = False


@dataclass(frozen=True)
class Comparison:
    """Figures of a new model and of an old one of the same name, each under a heading.

    Without an old one in the output directory, `old` is the shipped one, if any, which stays.
    """

    name: str
    new: tuple[str, list[Figure]]
    old: tuple[str, list[Figure]]
    replaces: bool

    @property
    def worse(self) -> list[str]:
        """Name the checked figures that are lower than those of the model that is replaced."""
        pairs = self._pairs() if self.replaces else []
        return [f"{new.name} {old.text} -> {new.text}" for old, new in pairs if _is_worse(old, new)]

    def table(self) -> Table:
        """Return the figures, old beside new."""
        table = Table(self.name, self.old[0], self.new[0], "")
        for old, new in self._pairs():
            mark = "worse" if _is_worse(old, new) else ""
            table.add_row(new.name, old.text if old else "", new.text, mark)
        return table

    def _pairs(self) -> list[tuple[Figure | None, Figure]]:
        old = {figure.name: figure for figure in self.old[1]}
        return [(old.get(new.name), new) for new in self.new[1]]


def _is_worse(old: Figure | None, new: Figure) -> bool:
    return old is not None and new.checked and new.value < old.value


def compare(exported: Exported, directory: Path, test: Digits) -> Comparison:
    """Compare `exported` with the model of its name in `directory`, measured again on `test`.

    The accuracy of a reader is that of its card, because its strips are drawn the same way.
    """
    name = exported.card.name
    new = f"new, {exported.card.version}", _figures(exported.card, exported.content)
    replaced = _published(directory, name)
    published = replaced or _published(PACKAGE_DIRECTORY, name)
    if published is None:
        return Comparison(name, new, ("no old model", []), replaces=False)
    card, content = published
    heading = f"{'old' if replaced else 'shipped'}, {card.version}"
    old = heading, _figures(_measured_again(card, content, test), content)
    return Comparison(name, new, old, replaces=replaced is not None)


def dropped(exported: Sequence[Exported], directory: Path) -> list[str]:
    """Name the models in `directory` that are removed without a successor, such as an 8-bit one."""
    names = {model.card.name for model in exported}
    architectures = {model.card.architecture for model in exported}
    return [
        card.name
        for card in _cards(directory)
        if card.architecture in architectures and card.name not in names
    ]


def _cards(directory: Path) -> tuple[Card, ...]:
    if not (directory / MANIFEST_NAME).exists():
        return ()
    try:
        manifest = load_manifest(directory)
    except ManifestError:  # `publish` reports it
        return ()
    return (*manifest.models, *manifest.readers)


def _published(directory: Path, name: str) -> tuple[Card, bytes] | None:
    card = next((card for card in _cards(directory) if card.name == name), None)
    try:
        return (card, read_model_file(directory, card)) if card else None
    except ModelFileError:  # a file that cannot be used loses nothing when it is replaced
        return None


def _measured_again(card: Card, content: bytes, test: Digits) -> Card:
    if not isinstance(card, ModelCard):
        return card.model_copy(update={"speed": measure_reader_speed(content)})
    outputs = run(content, test.images)
    confidences = without_outliers(outputs, card.outliers)
    correct = outputs.answers == test.labels
    points = tuple(
        point.model_copy(update={"test": select(confidences, correct, point.threshold)})
        for point in card.operating_points
    )
    return card.model_copy(
        update={
            "test": evaluate(outputs, test.labels),
            "operating_points": points,
            "speed": measure_speed(content, test.images),
        }
    )


def _figures(card: Card, content: bytes) -> list[Figure]:
    size = Figure("size", len(content), f"{len(content) / 1000:,.0f} kB")
    latency = card.speed.latency_ms
    speed = Figure("time of one", latency, f"{latency:.3f} ms")
    if isinstance(card, ModelCard):
        accuracy = _accuracy("test accuracy", card.test.accuracy)
        selection = card.operating_point(DIGITS_MAX_ERROR).test
        return [accuracy, *_selection("", DIGITS_MAX_ERROR, selection), size, speed]
    selections = card.operating_point(FIELDS_MAX_ERROR).held_out.by_kind()
    figures = []
    for kind, evaluation in card.held_out.by_kind().items():
        figures.append(_accuracy(f"{KINDS[kind]}: accuracy", evaluation.accuracy))
        figures += _selection(f"{KINDS[kind]}: ", FIELDS_MAX_ERROR, selections[kind])
    return [*figures, size, speed]


def _accuracy(name: str, accuracy: float) -> Figure:
    return Figure(name, accuracy, f"{accuracy:.2%}", checked=True)


def _selection(prefix: str, max_error: float, selection: Selection) -> tuple[Figure, Figure]:
    rate, errors, accepted = selection.read_rate, selection.errors, selection.accepted
    return (
        Figure(f"{prefix}read rate at {max_error:.1%}", rate, f"{rate:.2%}", checked=True),
        Figure(f"{prefix}errors among accepted", errors, f"{errors} of {accepted:,}"),
    )
