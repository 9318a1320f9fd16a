"""The fields report, in Markdown."""

from collections.abc import Iterator

from benchmarks.fields.readers import MAX_ERRORS
from benchmarks.fields.results import Accepted, Results, Score
from benchmarks.reports import header, row
from training.reader.amounts import RELABELLED

_HEAD = """# Reading fields

Made on {results.machine}, by

    {results.command}

The reader is version {results.reader}.

All strips go through the service's pipeline. Composed ones have MNIST's {results.split} digits on
the paper of amounts held out of training. `training.reader.samples.tidy` composes them, as for
training: side by side in one hand, half on printed paper; half compressed as JPEG, a third shaded,
blurred, grainy, speckled or coarse; most of the *noisy* ones are distorted. Touching digits overlap
by up to a twenty-fifth of their height. The *hard* ones come from `composed`: squeezed, overlapping
and cut off, some of them unreadable.

Real amounts are the fifth of ORAND-CAR-A that was held out of training, and real cells, if the data
are there, the last fifth of numbers from logbooks of clinics (Meza). Amounts are few, so their
intervals are wide. Both helped to choose network, recipes and margins and to fit the confidence:
others may be read a little worse. The label of {relabelled} is corrected, because its picture
contradicts it; it was found among the mistakes, which favours the reader.

## Strings read without a mistake
"""
_READ_RATES = """
The digit error rate counts the digits to insert, delete or replace, per digit written.

## Read rate

The share of strips accepted at a maximum error rate: at the best threshold for these very strips,
which is optimistic, and at the manifest's threshold, with the errors there and the error rate that
they do not exceed with 95% probability (exact). What is reviewed for other reasons is not accepted.
"""
_SIGNED = """
## Fractions, signs and letters

{signed.strips} strips with slashes, raised cents, signs or letters, tidy as above, with texts drawn
as for training; {signed.amounts} can mean an amount. Without a format, `raw` is right on
{signed.raw_right} ({share:.1%}). Wrong among the accepted ones:
"""
_BESIDE = """
## Beside a general OCR

RapidOCR 3.10, recognition only (PP-OCR), on the same strips, one thread each. Of its text only
the digits count. Milliseconds are medians for one strip.
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

The mistakes with the highest confidence in each real set; 0% is reviewed for another reason:
"""


def markdown(results: Results) -> Iterator[str]:
    """Yield the lines of the page."""
    yield _HEAD.format(results=results, relabelled=", ".join(RELABELLED))
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
    yield from _signed(results)
    yield from _beside(results)
    yield _AFTER.format(results=results)
    yield from header("file", "label", "read", "confidence")
    for mistake in (mistake for one in results.sets for mistake in one.mistakes):
        said = mistake.said or "nothing"
        yield row(mistake.name, mistake.written, said, f"{mistake.confidence:.1%}")


def _read_rates(results: Results) -> Iterator[str]:
    columns = (
        (f"best at {error:.1%}", f"manifest {error:.1%}", "errors, at most") for error in MAX_ERRORS
    )
    yield from header("strips", *(column for three in columns for column in three))
    for one in results.sets:
        cells = []
        for rate in one.read_rates:
            point = rate.operating_point
            cells += [
                f"{rate.best:.1%}",
                f"{point.read_rate:.1%}" if point else "none",
                f"{point.errors} of {point.accepted:,}, {point.error_rate_bound:.1%}"
                if point
                else "",
            ]
        yield row(one.name, *cells)


def _signed(results: Results) -> Iterator[str]:
    signed = results.signed
    yield _SIGNED.format(signed=signed, share=signed.raw_right / signed.strips)
    yield from header("format", "accepted", "text", "raw", "amount")
    yield row("none", *_wrong(signed.free), "")
    yield row("`amount`", *_wrong(signed.as_amounts), signed.as_amounts.wrong_amount)


def _wrong(one: Accepted) -> tuple[int, int, int]:
    return one.accepted, one.wrong_text, one.wrong_raw


def _beside(results: Results) -> Iterator[str]:
    compared = [(one, one.beside) for one in results.sets if one.beside]
    if not compared:
        return
    yield _BESIDE
    figures = ("accuracy", f"best at {MAX_ERRORS[0]:.0%}", "ms")
    columns = (f"{name}: {figure}" for name in ("reader", "RapidOCR") for figure in figures)
    yield from header("strips", *columns)
    for one, other in compared:
        own = (_accuracy(one.free), f"{one.read_rates[0].best:.1%}", f"{other.own_latency_ms:.1f}")
        its = (_accuracy(other.score), f"{other.best:.1%}", f"{other.latency_ms:.1f}")
        yield row(one.name, *own, *its)


def _accuracy(score: Score) -> str:
    return f"{score.accuracy:.2%}"
