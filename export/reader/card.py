"""The page about a published field reader, from its card."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from models.reader_card import KINDS, FieldEvaluation, FieldOperatingPoint, ReaderCard
from models.records import Selection

_SHOWN_POINT = 0.01
_CELLS = (
    ", and numbers from cells of clinic logbooks (published by Charitable Analytics International"
    " for its Meza OCR challenge)"
)


def reliability_plot(card: ReaderCard) -> Figure:
    """Plot accuracy against the confidence of whole strips, real and composed."""
    kinds = card.held_out.by_kind()
    figure = Figure(figsize=(5 * len(kinds), 4.5))
    plots = figure.subplots(1, len(kinds), sharey=True)
    for axes, (kind, evaluation) in zip(plots, kinds.items(), strict=True):
        reliability = evaluation.reliability
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
        axes.scatter(
            [bin_.confidence for bin_ in reliability.bins],
            [bin_.accuracy for bin_ in reliability.bins],
            s=[8 + 300 * bin_.images / evaluation.strips for bin_ in reliability.bins],
        )
        title = f"{KINDS[kind]}, {evaluation.strips:,} strips: ECE {reliability.ece:.2%}"
        axes.set(xlabel="confidence", title=title)
        axes.grid(alpha=0.3)
    plots[0].set(ylabel="accuracy (area: strips in the bin)")
    return figure


def overview(card: ReaderCard, folder: str) -> Iterator[str]:
    """Yield the section of the comparison of models; the page of the reader is in `folder`."""
    read = "; of ".join(
        f"{one.strips:,} held-out {KINDS[kind]} {one.accuracy:.1%} ({_interval(one)})"
        for kind, one in card.held_out.by_kind().items()
    )
    yield (
        f"\n[`{card.name}`]({folder}/{card.name}.md) reads whole fields without an error: of"
        f" {read}."
    )
    yield from map(_accepted, (p for p in card.operating_points if p.max_error == _SHOWN_POINT))
    yield f"{card.parameters:,} parameters, {card.speed.latency_ms:.1f} ms per strip."


def _accepted(point: FieldOperatingPoint) -> str:
    accepted = ", ".join(
        f"{one.read_rate:.1%} of the {KINDS[kind]} ({one.errors} wrong of {one.accepted:,})"
        for kind, one in point.held_out.by_kind().items()
    )
    return f"At `max_error={point.max_error:g}` it accepts {accepted}."


def page(card: ReaderCard) -> Iterator[str]:
    """Yield the page."""
    run = card.training
    yield f"# {card.title} (`{card.name}`)\n"
    yield (
        f"Version `{card.version}`, {card.parameters:,} parameters, ONNX opset {card.opset};"
        f" {card.speed.latency_ms:.2f} ms for one strip of {card.speed.width} columns,"
        f" {card.speed.strips_per_second:,.0f} strips per second in batches of 16"
        f" ({card.speed.hardware}).\n"
    )
    yield "## Intended use\n"
    yield (
        "Reading one line of handwritten digits, such as an amount, a ZIP code or an account"
        " number, with a person who looks at what needs review. Not for words or whole pages: crop"
        " the field first.\n"
    )
    yield "## Data and recipe\n"
    yield (
        "Strips composed of MNIST's digits (Y. LeCun, C. Cortes and C. Burges; CC BY-SA 3.0), and"
        " four fifths of the real amounts of cheques used here (ORAND-CAR-A; Diem et al., ICFHR"
        f" 2014){_CELLS if card.held_out.cells else ''}: {run.train_images:,} digits and strips."
        f" {run.validation_images:,} strips, and the digits that the digit models hold out, were"
        " not used for training; temperature, confidence and thresholds were fitted on them."
        f" Recipe `{run.recipe}`"
        f" (training/recipes.py), {run.epochs} epochs in batches of"
        f" {run.batch_size}, seed {run.seed}."
    )
    if run.initial:
        yield f"It started from the weights of {run.initial}."
    yield "\n## On held-out strips\n"
    yield (
        "Half of the composed strips are amounts, codes and numbers with separators; half are ZIP"
        " codes whose digits touch. All are legible: strips that a person could not read are left"
        " to the benchmark of fields. Their digits and papers were held out of training."
        " Temperature and confidence were fitted on other strips of the same digits, and on the"
        " real strips; here the confidence of each real strip comes from a rule fitted without it"
        " and its neighbours.\n"
    )
    yield "| strips | number | accuracy | 95% interval | length known | digit error rate | ECE |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for kind, one in card.held_out.by_kind().items():
        yield (
            f"| {KINDS[kind]} | {one.strips:,} | {one.accuracy:.2%} | {_interval(one)}"
            f" | {one.accuracy_length_known:.2%} | {one.digit_error_rate:.2%}"
            f" | {one.reliability.ece:.2%} |"
        )
    yield f"\n![Reliability on both kinds]({card.name}.png)\n"
    yield "## Operating points\n"
    yield (
        "The error rate is that of whole fields: one wrong digit makes a field wrong. A threshold"
        " keeps `max_error` with 95% probability on the kinds of strips it is *shown on*. The real"
        " strips are too few to show a small rate; they only do not contradict it, and more errors"
        " than `max_error` among them can be chance.\n"
    )
    kinds = card.held_out.by_kind()
    columns = " | ".join(f"read, {KINDS[kind]} | errors" for kind in kinds)
    yield f"| max_error | threshold | shown on | {columns} |"
    yield f"| ---: | ---: | --- {'| ---: | ---: ' * len(kinds)}|"
    yield from map(_point, card.operating_points)
    yield "\n## Limits\n"
    yield (
        "Other writers, forms and scanners change the error rate of an operating point: measure on"
        " your own fields. Amounts in words and fields of two lines are not read."
    )


def _interval(one: FieldEvaluation) -> str:
    return f"{one.accuracy_interval.low:.1%} to {one.accuracy_interval.high:.1%}"


def _point(point: FieldOperatingPoint) -> str:
    if point.threshold is None:
        none = "| 0% | " * len(point.held_out.by_kind())
        return f"| {point.max_error:.2%} | none found | {none}|"
    shown = ", ".join(KINDS[kind] for kind in point.shown_on)
    figures = " | ".join(map(_selection, point.held_out.by_kind().values()))
    return f"| {point.max_error:.2%} | {point.threshold:.6f} | {shown} | {figures} |"


def _selection(one: Selection) -> str:
    return f"{one.read_rate:.2%} | {one.errors} of {one.accepted:,}"
