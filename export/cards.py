"""The command `python -m export.cards`: writes pages about the models from the manifest.

Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from matplotlib.figure import Figure
from rich.console import Console

from export.reader import card as reader_page
from models.manifest import (
    PACKAGE_DIRECTORY,
    ManifestError,
    ModelCard,
    OperatingPoint,
    load_manifest,
)
from models.reader_card import ReaderCard
from models.records import TrainingRun
from training.plots import Cost, trade_offs

COMPARISON = "models.md"
CARDS = "models"
_README_TABLE = re.compile(r"(<!-- models: .* -->\n).*(<!-- /models -->)", re.DOTALL)
_FROM = "<!-- Made by `python -m export.cards` from models/manifest.json. -->\n"


def write_cards(
    cards: Sequence[ModelCard], folder: Path, readers: Sequence[ReaderCard] = ()
) -> None:
    """Write the comparison of the models, and a card with a plot for each, into `folder`."""
    (folder / CARDS).mkdir(parents=True, exist_ok=True)
    costs = [
        Cost(card.title, card.test.accuracy, card.parameters, card.speed.latency_ms)
        for card in cards
    ]
    trade_offs(costs).savefig(folder / CARDS / "cost.png")
    overviews = (line for reader in readers for line in reader_page.overview(reader, CARDS))
    _write(folder / COMPARISON, chain(_comparison(cards), overviews))
    for card in cards:
        reliability_plot(card).savefig(folder / CARDS / f"{card.name}.png")
        _write(folder / CARDS / f"{card.name}.md", _card(card))
    for reader in readers:
        reader_page.reliability_plot(reader).savefig(folder / CARDS / f"{reader.name}.png")
        _write(folder / CARDS / f"{reader.name}.md", reader_page.page(reader))


def _write(page: Path, lines: Iterable[str]) -> None:
    page.write_text("\n".join((_FROM, *lines)) + "\n")


def with_table(readme: str, cards: Sequence[ModelCard]) -> str:
    """Return the text of a README with an updated table of models between its markers."""
    points = ((card, card.operating_point(0.001).test) for card in cards)
    rows = (
        f"| `{card.name}` | {card.parameters:,} | {card.test.accuracy:.2%}"
        f" | {card.test.accuracy_interval.low:.2%} to {card.test.accuracy_interval.high:.2%}"
        f" | {test.read_rate:.1%} | {test.errors} of {test.accepted:,}"
        f" | {test.error_rate_bound:.3%} |"
        for card, test in points
    )
    heading = (
        "| model | parameters | test accuracy | 95% interval | read rate at 0.1% error"
        " | errors among accepted | at most |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    )
    table = "\n".join((*heading, *rows))
    return _README_TABLE.sub(lambda marks: f"{marks[1]}{table}\n{marks[2]}", readme)


def reliability_plot(card: ModelCard) -> Figure:
    """Plot accuracy against confidence, before and after the temperature."""
    figure = Figure(figsize=(10, 4.5))
    measured = (
        ("before", card.calibration.before),
        (f"after, T = {card.calibration.temperature:.2f}", card.calibration.after),
    )
    axes_pair = figure.subplots(1, 2, sharey=True)
    for axes, (when, reliability) in zip(axes_pair, measured, strict=True):
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
        confidences = [bin_.confidence for bin_ in reliability.bins]
        accuracies = [bin_.accuracy for bin_ in reliability.bins]
        axes.plot(confidences, accuracies, marker="o")
        for bin_ in reliability.bins:
            axes.annotate(
                f"{bin_.images:,}",
                (bin_.confidence, bin_.accuracy),
                (6, -12),
                textcoords="offset points",
                fontsize=7,
            )
        axes.set(xlabel="confidence", title=f"{card.title}, {when}: ECE {reliability.ece:.2%}")
        axes.grid(alpha=0.3)
    axes_pair[0].set(ylabel="accuracy (labels: images in the bin)")
    return figure


def _comparison(cards: Sequence[ModelCard]) -> Iterator[str]:
    yield "# The models\n"
    yield (
        "Measured on the exported files through ONNX Runtime, on the 10,000 test images of MNIST."
        " The read rate is the share accepted at `max_error=0.001`, one error in a thousand; the"
        " next column has the errors found among them. Milliseconds are for one image on"
        f" {cards[0].speed.hardware}.\n"
    )
    yield (
        "| model | parameters | accuracy | 95% interval | read rate at 0.1% | errors among accepted"
        " | ECE | ms |"
    )
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for card in cards:
        interval = card.test.accuracy_interval
        point = card.operating_point(0.001)
        yield (
            f"| [`{card.name}`]({CARDS}/{card.name}.md) | {card.parameters:,}"
            f" | {card.test.accuracy:.2%} | {interval.low:.2%} to {interval.high:.2%}"
            f" | {point.test.read_rate:.2%} | {point.test.errors} of {point.test.accepted:,}"
            f" | {card.calibration.after.ece:.2%} | {card.speed.latency_ms:.3f} |"
        )
    yield f"\n![Accuracy against parameters and latency]({CARDS}/cost.png)"


_ANSWERS = "the answers of networks that had not seen the image's writer"


def _card(card: ModelCard) -> Iterator[str]:
    run, calibration, scored = card.training, card.calibration, card.outliers.scored
    yield f"# {card.title} (`{card.name}`)\n"
    yield (
        f"Version `{card.version}`, {card.parameters:,} parameters, ONNX opset {card.opset};"
        f" {card.speed.latency_ms:.3f} ms for one image, {card.speed.images_per_second:,.0f} images"
        f" per second in batches of 32 ({card.speed.hardware}).\n"
    )
    yield "## Intended use\n"
    yield (
        "Reading one handwritten digit, with a person who looks at what needs review. Not for"
        " letters, printed type or whole fields, and not if nobody looks at `review`.\n"
    )
    yield "## Data and recipe\n"
    yield (
        "MNIST (Y. LeCun, C. Cortes and C. Burges; CC BY-SA 3.0): American census employees and"
        f" high-school students. {run.train_images:,} images were used for training,"
        f" {_calibration_images(run)} to choose temperature and thresholds. Recipe"
        f" `{run.recipe}` (training/recipes.py), {run.epochs} epochs in batches of"
        f" {run.batch_size}, seed {run.seed}."
    )
    if run.teachers:
        yield f"It was also trained on the predictions of {', '.join(run.teachers)}."
    if run.initial:
        yield f"It started from the weights of {run.initial}."
    if run.also:
        yield f"It was also trained on other digits (SHA-256 {run.also}...)."
    if run.negatives:
        yield (
            "Its output `outlier` also learnt from written characters that are no digits (SHA-256"
            f" {run.negatives}...)."
        )
    if card.quantised:
        yield "Weights and activations were quantised to 8 bits after training."
    yield "\n## On the 10,000 test images\n"
    interval, point = card.test.accuracy_interval, card.operating_point(0.001).test
    yield (
        f"Accuracy {card.test.accuracy:.2%} of all of them (95% Wilson interval"
        f" {interval.low:.2%} to {interval.high:.2%}). At `max_error=0.001` it accepts"
        f" {point.read_rate:.2%}, {point.errors} of {point.accepted:,} wrongly. By digit: "
        + ", ".join(
            f"{digit} {rate:.1%}" for digit, rate in enumerate(card.test.per_digit_accuracy)
        )
        + ".\n"
    )
    yield (
        f"Expected calibration error {calibration.before.ece:.2%} before and"
        f" {calibration.after.ece:.2%} after the temperature {calibration.temperature:.3f},"
        f" negative log-likelihood {calibration.before.nll:.4f} and {calibration.after.nll:.4f}.\n"
    )
    yield f"![Reliability before and after calibration]({card.name}.png)\n"
    yield "## Operating points\n"
    yield (
        f"Thresholds were chosen on {_ANSWERS if run.folds else 'the held-out images'}, so that"
        " the error rate among accepted"
        " answers stays below `max_error` with 95% probability (Learn then Test, exact binomial"
        " tests), and checked on the test set; the bound is the one-sided 95% bound of Clopper and"
        " Pearson. These images also chose the recipe and the temperature, so the test"
        " columns are the independent check. An image with an entropy above"
        f" {card.outliers.entropy:.2f} nats{' or `outlier` above 0.5' if scored else ''} is never"
        f" accepted: {card.outliers.test:.2%} of the test digits."
        + (" Thresholds apply to the confidence times 1 - `outlier`." if scored else "")
        + "\n"
    )
    yield (
        "| max_error | threshold | read rate, held out | read rate, test | errors, test"
        " | error rate, test | bound |"
    )
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    yield from map(_point, card.operating_points)
    yield "\n## Limits\n"
    yield (
        "An operating point holds for single upright digits like MNIST's. Other writers, pens and"
        " scanners change its error rate: measure on your own images. Pictures without a digit can"
        " be read as one."
    )


def _calibration_images(run: TrainingRun) -> str:
    if run.folds is None:
        return f"{run.validation_images:,} others"
    return (
        f"and the same {run.train_images:,}, read by {run.folds} networks of the same recipe, each"
        " for the writers that it had not seen (cross-fitting),"
    )


def _point(point: OperatingPoint) -> str:
    if point.threshold is None:
        return f"| {point.max_error:.2%} | none found | 0% | 0% | | | |"
    test = point.test
    return (
        f"| {point.max_error:.2%} | {point.threshold:.6f} | {point.held_out.read_rate:.2%}"
        f" | {test.read_rate:.2%} | {test.errors} of {test.accepted:,} | {test.error_rate:.3%}"
        f" | {test.error_rate_bound:.3%} |"
    )


def main(
    models_dir: Annotated[
        Path, typer.Option(help="Directory of the manifest.")
    ] = PACKAGE_DIRECTORY,
    docs_dir: Annotated[
        Path, typer.Option(help="Output directory of models.md and models/.")
    ] = Path("exported/docs"),
    readme: Annotated[
        Path | None,
        typer.Option(help="Also update the table of models in this file, between its markers."),
    ] = None,
) -> None:
    """Write the comparison of the models and their cards.

    For the pages of this project: --docs-dir docs --readme README.md.
    """
    try:
        manifest = load_manifest(models_dir)
    except ManifestError as error:
        sys.exit(f"error: {error}")
    cards = manifest.models
    write_cards(cards, docs_dir, manifest.readers)
    if readme:
        try:
            readme.write_text(with_table(readme.read_text(), cards))
        except OSError as error:
            sys.exit(f"error: {readme}: {error.strerror}")
    Console().print(f"{docs_dir / COMPARISON} and {len(cards) + len(manifest.readers)} cards")


if __name__ == "__main__":
    typer.run(main)
