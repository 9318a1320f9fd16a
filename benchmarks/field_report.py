"""The report of `benchmarks.fields`: tables in Markdown, and a picture of mistakes."""

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from benchmarks.field_results import ERRORS, Mistake, Results, Score, SetResult
from benchmarks.field_sets import MISLABELLED
from benchmarks.tables import header, row
from models.strips import Grey

PICTURE = "fields.png"

_HEAD = """# Reading fields

Made on {results.machine}, by

    {results.command}

The reader is version {results.reader}; the baseline, "pieces", cuts a strip into pieces of ink and
reads each by the digit model `{results.model}`.

Composed strips hold MNIST test digits, on paper of the amounts that were held out of training: no
training has seen either. They are put together as for training, by `training.reader.samples.tidy`:
side by side as one hand writes them, half of them on printed paper. Half are compressed as JPEG, a
third are shaded, blurred, grainy, speckled or coarse, and a quarter are left as they are; of the
*noisy* ones most are spoilt. Digits that touch do so with their strokes, or overlap by up to a
twenty-fifth of their height. The *hard* ones are by `composed`: squeezed, overlapping and cut off,
under lines and print, some of them past reading.

Real amounts are the fifth of ORAND-CAR-A that was held out of training. They are few, so the
intervals are wide. Nothing was trained on them, but they were read while network, recipes and
margins were chosen, and took part in fitting temperature and confidence: other amounts may be read
a little worse. About 1% of their labels are wrong. {mended} was found among the mistakes and is
plainly so: *labels mended* has it put right. It was only looked for there, which favours the
reader.

## Strings read without a fault
"""
_READ_RATES = """
The digit error rate counts digits to insert, leave out or change, for each digit written.

## Read rate

The share of strips accepted while at most so many of the accepted are wrong: at the best threshold
for these very strips, which flatters, and at the manifest's threshold, with the errors there.
"""
_AFTER = """
## Beside published results

On the test amounts of ORAND-CAR-A a residual network with RNN and CTC reads 89.75%
(arXiv 1710.03112), a public CRNN 90.5%. Both learnt from about three times as many real amounts,
and their test amounts are others than those here.

## Speed

On one core, in one process, from the grey picture to the text: {results.latency_ms:.1f} ms for one
field (median), {results.fields_per_second:,.0f} fields a second in batches.

## The worst mistakes

Pictures of MNIST or of cheques are not published with this project. So the strips below are
written with digits of strokes (`benchmarks/pen.py`), which the reader never saw, on generated
paper, and composed as the others are; the reader reads {drawn} such strips. These are the
mistakes made with the highest confidence.

![Strips with what is written and what was read]({picture})

Of the real amounts, by file:
"""


def markdown(results: Results) -> str:
    """The whole page."""
    return "\n".join(_lines(results)) + "\n"


def picture(strips: Sequence[Grey], mistakes: Sequence[Mistake]) -> Figure:
    """Each strip with what stands on it and what the reader thought."""
    figure = Figure(figsize=(10, 1.1 * max(1, len(strips))), layout="constrained")
    axes = figure.subplots(max(1, len(strips)), 1, squeeze=False)[:, 0]
    for place in axes:
        place.set_axis_off()
    for place, strip, mistake in zip(axes, strips, mistakes, strict=False):
        place.imshow(strip, cmap="gray", vmin=0, vmax=255)
        place.set_title(
            f"written {mistake.written}, read {mistake.said or 'nothing'}"
            f" ({mistake.confidence:.1%})",
            fontsize=9,
        )
    return figure


def _lines(results: Results) -> Iterator[str]:
    drawn = f"{_accuracy(results.drawn)} of {results.drawn.strips:,}"
    yield _HEAD.format(results=results, mended=", ".join(MISLABELLED))
    yield from _accuracies(results.sets)
    yield _READ_RATES
    yield from _read_rates(results.sets)
    yield _AFTER.format(results=results, drawn=drawn, picture=PICTURE)
    yield from header("file", "label", "read", "confidence")
    for mistake in results.real_mistakes:
        yield row(
            mistake.name, mistake.written, mistake.said or "nothing", f"{mistake.confidence:.1%}"
        )


def _accuracies(sets: Sequence[SetResult]) -> Iterator[str]:
    yield from header(
        "strips", "number", "accuracy", "95% interval", "length known", "digit error rate", "pieces"
    )
    for one in sets:
        interval = one.free.interval
        yield row(
            one.name,
            f"{one.free.strips:,}",
            _accuracy(one.free),
            f"{interval.low:.1%} to {interval.high:.1%}",
            _accuracy(one.length_known),
            f"{one.free.digit_error_rate:.2%}",
            _accuracy(one.components),
        )


def _read_rates(sets: Sequence[SetResult]) -> Iterator[str]:
    columns = [
        column for e in ERRORS for column in (f"best at {e:.1%}", f"manifest {e:.1%}", "errors")
    ]
    yield from header("strips", *columns)
    for one in sets:
        cells = []
        for rate in one.read_rates:
            point = rate.operating_point
            cells += [
                f"{rate.best:.1%}",
                f"{point.read_rate:.1%}" if point else "none",
                f"{point.errors:,} of {point.accepted:,}" if point else "",
            ]
        yield row(one.name, *cells)


def _accuracy(score: Score) -> str:
    return f"{score.accuracy:.2%}"
