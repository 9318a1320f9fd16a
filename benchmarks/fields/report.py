"""The fields report: tables in Markdown, and a picture of mistakes."""

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from benchmarks.fields.results import MAX_ERRORS, Mistake, Results, Score
from benchmarks.fields.sets import MISLABELLED
from benchmarks.reports import header, row
from models.strips import Grey

PICTURE = "fields.png"

_HEAD = """# Reading fields

Made on {results.machine}, by

    {results.command}

The reader is version {results.reader}. The baseline, *pieces*, cuts a strip into pieces of ink and
reads each with the digit model `{results.model}`.

Composed strips consist of MNIST's {results.split} digits on the paper of the amounts that were held
out of training. `training.reader.samples.tidy` composes them, as for training: side by side in one
hand, half of them on printed paper. Half are compressed as JPEG, a third are shaded, blurred,
grainy, speckled or coarse, and a quarter are left as they are; most of the *noisy* ones are
distorted. Touching digits touch with their strokes, or overlap by up to a twenty-fifth of their
height. The *hard* ones come from `composed`: squeezed, overlapping and cut off, under lines and
print, some of them unreadable.

Real amounts are the fifth of ORAND-CAR-A that was held out of training. They are few, so the
intervals are wide. Nothing was trained on them, but network, recipes and margins were chosen, and
temperature and confidence fitted, with their help: other amounts may be read a little worse. About
1% of their labels are wrong. {mislabelled} was found among the mistakes and is plainly wrong:
*labels corrected* has it corrected. Labels were only checked there, which favours the reader.

## Strings read without a mistake
"""
_READ_RATES = """
The digit error rate counts the digits to insert, delete or replace, per digit written.

## Read rate

The share of strips accepted at a maximum error rate: at the best threshold for these very strips,
which is optimistic, and at the manifest's threshold, with the errors there.
"""
_AFTER = """
## Published results

On the test amounts of ORAND-CAR-A a residual network with RNN and CTC reads 89.75%
(arXiv 1710.03112), a public CRNN 90.5%. Both learnt from about three times as many real amounts,
and their test amounts are not those used here.

## Speed

On one core, in one process, from the grey picture to the text: {results.latency_ms:.1f} ms for one
field (median), {results.fields_per_second:,.0f} fields per second in batches.

## The worst mistakes

Pictures of MNIST and of cheques are not published with this project. The strips below are written
with digits of strokes (`benchmarks/pen.py`), which the reader never saw, on generated paper, and
composed like the others; the reader reads {drawn} such strips. These are the mistakes with
the highest confidence.

![Strips with what is written and what was read]({picture})

Of the real amounts, by file:
"""


def markdown(results: Results) -> Iterator[str]:
    """Yield the lines of the page."""
    yield _HEAD.format(results=results, mislabelled=", ".join(MISLABELLED))
    columns = ("accuracy", "95% interval", "length known", "digit error rate", "pieces")
    yield from header("strips", "number", *columns)
    for one in results.sets:
        interval = one.free.interval
        yield row(
            *(one.name, f"{one.free.strips:,}", _accuracy(one.free)),
            f"{interval.low:.1%} to {interval.high:.1%}",
            _accuracy(one.length_known),
            f"{one.free.digit_error_rate:.2%}",
            _accuracy(one.components),
        )
    yield _READ_RATES
    yield from _read_rates(results)
    drawn = f"{_accuracy(results.drawn)} of {results.drawn.strips:,}"
    yield _AFTER.format(results=results, drawn=drawn, picture=PICTURE)
    yield from header("file", "label", "read", "confidence")
    for mistake in results.real_mistakes:
        said = mistake.said or "nothing"
        yield row(mistake.name, mistake.written, said, f"{mistake.confidence:.1%}")


def picture(strips: Sequence[Grey], mistakes: Sequence[Mistake]) -> Figure:
    """Draw each strip with what is written and what was read."""
    figure = Figure(figsize=(10, 1.1 * max(1, len(strips))), layout="constrained")
    axes = figure.subplots(max(1, len(strips)), 1, squeeze=False)[:, 0]
    for axis in axes:
        axis.set_axis_off()
    for axis, strip, mistake in zip(axes, strips, mistakes, strict=False):
        axis.imshow(strip, cmap="gray", vmin=0, vmax=255)
        said = mistake.said or "nothing"
        axis.set_title(
            f"written {mistake.written}, read {said} ({mistake.confidence:.1%})", fontsize=9
        )
    return figure


def _read_rates(results: Results) -> Iterator[str]:
    columns = ((f"best at {error:.1%}", f"manifest {error:.1%}", "errors") for error in MAX_ERRORS)
    yield from header("strips", *(column for three in columns for column in three))
    for one in results.sets:
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
