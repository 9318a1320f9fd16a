"""The fields report, in Markdown."""

from collections.abc import Iterator

from benchmarks.fields.results import MAX_ERRORS, Results, Score
from benchmarks.fields.sets import MISLABELLED
from benchmarks.reports import header, row

_HEAD = """# Reading fields

Made on {results.machine}, by

    {results.command}

The reader is version {results.reader}.

Composed strips have MNIST's {results.split} digits on the paper of amounts held out of training.
`training.reader.samples.tidy` composes them, as for training: side by side in one hand, half on
printed paper; half compressed as JPEG, a third shaded, blurred, grainy, speckled or coarse; most of
the *noisy* ones are distorted. Touching digits overlap by up to a twenty-fifth of their height. The
*hard* ones come from `composed`: squeezed, overlapping and cut off, some of them unreadable.

Real amounts are the fifth of ORAND-CAR-A that was held out of training. They are few, so the
intervals are wide. They helped to choose network, recipes and margins and to fit the confidence:
other amounts may be read a little worse. About 1% of their labels are wrong; *labels corrected*
corrects {mislabelled}, found among the mistakes, which favours the reader.

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

The mistakes with the highest confidence on real amounts, by file:
"""


def markdown(results: Results) -> Iterator[str]:
    """Yield the lines of the page."""
    yield _HEAD.format(results=results, mislabelled=", ".join(MISLABELLED))
    columns = ("accuracy", "95% interval", "length known", "digit error rate")
    yield from header("strips", "number", *columns)
    for one in results.sets:
        interval = one.free.interval
        yield row(
            *(one.name, f"{one.free.strips:,}", _accuracy(one.free)),
            f"{interval.low:.1%} to {interval.high:.1%}",
            _accuracy(one.length_known),
            f"{one.free.digit_error_rate:.2%}",
        )
    yield _READ_RATES
    yield from _read_rates(results)
    yield _AFTER.format(results=results)
    yield from header("file", "label", "read", "confidence")
    for mistake in results.real_mistakes:
        said = mistake.said or "nothing"
        yield row(mistake.name, mistake.written, said, f"{mistake.confidence:.1%}")


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
