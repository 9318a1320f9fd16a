"""The page about a published reader of fields, from its card alone."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from models.reader_card import FieldEvaluation, FieldOperatingPoint, ReaderCard
from models.records import Selection

_KINDS = {"amounts": "real amounts", "composed": "composed"}


def reliability_plot(card: ReaderCard) -> Figure:
    """Accuracy against the confidence of whole strips, for real amounts and composed ones."""
    figure = Figure(figsize=(10, 4.5))
    axes_pair = figure.subplots(1, 2, sharey=True)
    for axes, (kind, evaluation) in zip(axes_pair, card.held_out, strict=True):
        reliability = evaluation.reliability
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
        axes.scatter(
            [bin_.confidence for bin_ in reliability.bins],
            [bin_.accuracy for bin_ in reliability.bins],
            s=[8 + 300 * bin_.images / evaluation.strips for bin_ in reliability.bins],
        )
        title = f"{_KINDS[kind]}, {evaluation.strips:,} strips: ECE {reliability.ece:.2%}"
        axes.set(xlabel="confidence", title=title)
        axes.grid(alpha=0.3)
    axes_pair[0].set(ylabel="accuracy (circles as large as their bins)")
    return figure


def overview(card: ReaderCard, folder: str) -> Iterator[str]:
    """What the comparison of the models says of a reader, whose page is in `folder`."""
    amounts, composed = card.held_out.amounts, card.held_out.composed
    yield (
        f"\n[`{card.name}`]({folder}/{card.name}.md) reads whole fields: of the real amounts held"
        f" out of training {amounts.accuracy:.1%} without a fault ({_interval(amounts)}),"
        f" {amounts.accuracy_length_known:.1%} with their length known; of composed strips, half of"
        f" them hard, {composed.accuracy:.1%}. {card.parameters:,} parameters,"
        f" {card.speed.latency_ms:.1f} ms."
    )


def page(card: ReaderCard) -> Iterator[str]:
    """The card."""
    run = card.training
    yield f"# {card.title} (`{card.name}`)\n"
    yield (
        f"Version `{card.version}`, {card.parameters:,} parameters, ONNX opset {card.opset};"
        f" {card.speed.latency_ms:.2f} ms for one strip of {card.speed.width} columns,"
        f" {card.speed.strips_per_second:,.0f} strips a second in batches of 16"
        f" ({card.speed.hardware}).\n"
    )
    yield "## Intended use\n"
    yield (
        "Reading one line of handwritten digits, such as an amount, a ZIP code or an account"
        " number, with a person behind it for what it sends to review. Not for words, and not for"
        " pages: cut out the field first.\n"
    )
    yield "## Data and recipe\n"
    yield (
        "Strips composed of MNIST's digits (Y. LeCun, C. Cortes and C. Burges; CC BY-SA 3.0), and"
        " real amounts of cheques (ORAND-CAR-A; Diem et al., ICFHR 2014), four fifths of those at"
        f" hand: {run.train_images:,} digits and amounts. {run.validation_images:,} amounts and the"
        " digits that the digit models hold out were not learnt from; on them temperature,"
        f" confidence and thresholds were fitted. Recipe `{run.recipe}` (training/recipes.py),"
        f" {run.epochs} epochs in batches of {run.batch_size}, seed {run.seed}."
    )
    if run.initial:
        yield f"It started from the weights of {run.initial}."
    yield "\n## On strips held out of training\n"
    yield (
        "Of the composed strips half are written by any hand on any paper, with separators, many"
        " of them hard to read; half are tidy ZIP codes. They hold digits, and stand on paper, that"
        " were held out of training. Other strips of the same digits fitted temperature and"
        " confidence. The real amounts fitted these too; here each amount's confidence is by a rule"
        " that was fitted without it.\n"
    )
    yield "| strips | number | accuracy | 95% interval | length known | digit error rate | ECE |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for kind, one in card.held_out:
        yield (
            f"| {_KINDS[kind]} | {one.strips:,} | {one.accuracy:.2%} | {_interval(one)}"
            f" | {one.accuracy_length_known:.2%} | {one.digit_error_rate:.2%}"
            f" | {one.reliability.ece:.2%} |"
        )
    yield f"\n![Reliability on both kinds]({card.name}.png)\n"
    yield "## Operating points\n"
    yield (
        "The error rate is that of whole fields: one wrong digit makes one wrong. A threshold keeps"
        " `max_error` with 95% probability on the kind of strips that it is *shown on*. The real"
        " amounts are too few to show a small one: they only do not contradict it, and more errors"
        " than `max_error` among those at hand may be chance.\n"
    )
    yield "| max_error | threshold | shown on | read, amounts | errors | read, composed | errors |"
    yield "| ---: | ---: | --- | ---: | ---: | ---: | ---: |"
    yield from map(_point, card.operating_points)
    yield "\n## Limits\n"
    yield (
        "Other hands, forms and scanners shift what an operating point promises: measure on your"
        " own fields. A sum of money that is written in words is not read, nor what stands in two"
        " lines."
    )


def _interval(one: FieldEvaluation) -> str:
    return f"{one.accuracy_interval.low:.1%} to {one.accuracy_interval.high:.1%}"


def _point(point: FieldOperatingPoint) -> str:
    if point.threshold is None:
        return f"| {point.max_error:.2%} | none could be shown | | 0% | | 0% | |"
    shown = ", ".join(_KINDS[kind] for kind in point.shown_on)
    cells = " | ".join(map(_selection, (point.held_out.amounts, point.held_out.composed)))
    return f"| {point.max_error:.2%} | {point.threshold:.6f} | {shown} | {cells} |"


def _selection(one: Selection) -> str:
    return f"{one.read_rate:.2%} | {one.errors} of {one.accepted:,}"
