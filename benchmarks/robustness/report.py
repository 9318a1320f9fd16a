"""The robustness report, in Markdown."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import mean

from benchmarks.reports import header, row
from benchmarks.robustness.results import (
    ConditionResult,
    Expected,
    Group,
    JunkResult,
    Results,
    Score,
    pooled,
)
from benchmarks.robustness.sources import LETTERS

_WORST = 5
_MIN_ACCEPTED = 50  # with fewer, one error is a rate of more than 2%

_METHOD = """\
# Robustness

{results.images:,} of MNIST's {results.split} digits under generated conditions, pictures that hold
no digit, and digits of other data sets. Made by

    {results.command}

on {results.machine}.

The pictures are PNG or JPEG files and go through the service's own pipeline: decode, normalise,
classify, decide. The conditions from rotation to JPEG are white on black at 28x28, after MNIST-C
(Mu and Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", 2019) but not equal to it:
`benchmarks/robustness/distortions.py` lists the differences. The others are dark ink on paper at
36x36 pixels or more, with varying size and place of the digit. Each condition has three
severities. [robustness.json](robustness.json) has all figures.

*Resize* is the usual preprocessing: grey, 28x28, inverted if the rim is light. *Read rate* and
*error among accepted* are at the operating point of {results.max_error:.1%}.
"""

_WORST_METHOD = f"""
## The {_WORST} worst conditions by error among accepted

Each severity counts by itself. The bound is that of Clopper and Pearson, one-sided, 95%. Conditions
under which a model accepts fewer than {_MIN_ACCEPTED} pictures are left out; their number is beside
its name.
"""

_UNREAD_METHOD = """
## Pictures that should not be accepted

Neighbours at the rim, digits that the rim cuts off, and blank pages: the share of pictures that
were found blank, and for each model the share accepted, with the number read wrongly (in brackets;
on a blank page every digit is wrong).
"""

_JUNK_METHOD = """
## Junk

AUROC of the confidence, clean digits against junk, and the share of junk that is accepted (in
brackets). A blank picture has confidence 0. There are as many pictures of each kind as digits.
Crops come from {results.photographs} photographs, letters from {results.fonts} fonts.

Training shows the models junk too (`training/junk.py`). A *{trained}* is drawn there too, by other
generators and in other fonts (OpenCV's Hershey fonts); a *{new}* is not. *Printed letters* and
*bent letters* are {letters}. The others, *digit-like
letters*, may be written like a digit and are in no total.
"""

_REASONS_METHOD = """
### Reasons

Share of pictures that {name} accepts, and share to which each reason for review applies.
"""


def markdown(results: Results) -> Iterator[str]:
    """Yield the lines of the page."""
    names = [model.name for model in results.models]
    yield _METHOD.format(results=results)
    silent = [model.name for model in results.models if model.threshold is None]
    if silent:
        yield f"{', '.join(silent)} cannot keep {results.max_error:.1%} and accept nothing.\n"
    yield from _averages(results, names)
    yield from _conditions(results, names)
    yield from _worst(results, names)
    yield from _unread(results, names)
    yield from _junk(results, names)
    yield from _real(results, names)


def _averages(results: Results, names: Sequence[str]) -> Iterator[str]:
    yield "## Mean over the conditions\n"
    columns = ("clean", "conditions", "resize", "read rate", "resize", "error", "resize")
    yield from header("model", *columns)
    for name in names:
        normalised = [result.normalised[name] for result in results.of_digits()]
        resized = [result.resized[name] for result in results.of_digits()]
        yield row(
            name,
            f"{results.clean.normalised[name].accuracy:.2%}",
            *(f"{mean(score.accuracy for score in found):.2%}" for found in (normalised, resized)),
            *(f"{mean(score.read_rate for score in found):.1%}" for found in (normalised, resized)),
            *(_error(pooled(found)) for found in (normalised, resized)),
        )
    yield "\nAccuracy, read rate and error among accepted.\n"


def _conditions(results: Results, names: Sequence[str]) -> Iterator[str]:
    yield "## Accuracy by condition\n"
    yield "Mean over the severities: as the service reads, and after the resize (in brackets).\n"
    yield from header("condition", *names)
    for condition, found in results.by_condition(Expected.DIGIT).items():
        yield row(condition, *(_accuracies(found, name) for name in names))
    yield "\n## Read rate by condition\n"
    yield from header("condition", *names)
    for condition, found in results.by_condition(Expected.DIGIT).items():
        rates = (pooled(result.normalised[name] for result in found).read_rate for name in names)
        yield row(condition, *(f"{rate:.1%}" for rate in rates))


def _worst(results: Results, names: Sequence[str]) -> Iterator[str]:
    yield _WORST_METHOD
    columns = ("error", "bound", "wrong", "accepted", "the same after resize")
    yield from header("model", "condition", "severity", *columns)
    for name in names:
        scores = [(result, result.normalised[name]) for result in results.of_digits()]
        found = [(result, score) for result, score in scores if score.accepted >= _MIN_ACCEPTED]
        title = f"{name} ({len(scores) - len(found)} of {len(scores)})"
        if not found:
            yield row(title, *("-" for _ in range(7)))
        found.sort(key=lambda each: (-(each[1].error_rate or 0), -each[1].error_bound))
        for result, score in found[:_WORST]:
            yield row(
                *(title, result.condition, result.severity),
                *(_error(score), f"{score.error_bound:.2%}", score.errors, score.accepted),
                _error(result.resized[name]),
            )


def _unread(results: Results, names: Sequence[str]) -> Iterator[str]:
    found = results.by_condition(Expected.REVIEW, Expected.BLANK)
    if not found:
        return
    yield _UNREAD_METHOD
    yield from header("condition", "severity", "blank", *names)
    for condition, severities in found.items():
        for result in severities:
            scores = [result.normalised[name] for name in names]
            blank = f"{result.blank / scores[0].images:.1%}"
            accepted = (f"{score.read_rate:.1%} ({score.errors})" for score in scores)
            yield row(condition, result.severity, blank, *accepted)


def _junk(results: Results, names: Sequence[str]) -> Iterator[str]:
    yield _JUNK_METHOD.format(
        results=results, letters=" ".join(LETTERS), trained=Group.TRAINED, new=Group.NEW
    )
    yield from header("kind", "group", *names)
    for junk in results.junk:
        aurocs = (junk.auroc[name] for name in names)
        accepted = (_accepted([junk], name) for name in names)
        cells = (f"{a:.4f} ({share})" for a, share in zip(aurocs, accepted, strict=True))
        yield row(junk.kind, junk.group, *cells)
    for group in (Group.TRAINED, Group.NEW):
        found = [junk for junk in results.junk if junk.group is group]
        yield row(f"all of a {group}: accepted", "", *(_accepted(found, name) for name in names))
    for name in names:
        yield _REASONS_METHOD.format(name=name)
        digits = results.clean_decisions[name]
        kinds = {junk.kind: (junk.decisions[name], junk.pictures) for junk in results.junk}
        yield from header("kind", "accepted", *digits.reasons)
        for kind, (found, count) in {"clean digits": (digits, results.images), **kinds}.items():
            yield row(
                kind, *(f"{n / count:.1%}" for n in (found.accepted, *found.reasons.values()))
            )


def _real(results: Results, names: Sequence[str]) -> Iterator[str]:
    yield "\n## Digits of other data sets\n"
    yield from header("set", "model", "digits", "accuracy", "read rate", "error among accepted")
    for result in results.real:
        if result.missing:
            yield row(result.name, f"not measured: {result.missing}", "", "", "", "")
        for name in names if result.scores else ():
            score = result.scores[name]
            rates = f"{score.accuracy:.2%}", f"{score.read_rate:.1%}", _error(score)
            yield row(result.name, name, f"{score.images:,}", *rates)


def _accuracies(found: Iterable[ConditionResult], name: str) -> str:
    found = list(found)
    normalised = pooled(result.normalised[name] for result in found)
    resized = pooled(result.resized[name] for result in found)
    return f"{normalised.accuracy:.1%} ({resized.accuracy:.1%})"


def _accepted(found: Sequence[JunkResult], name: str) -> str:
    accepted = sum(result.decisions[name].accepted for result in found)
    return f"{accepted / sum(result.pictures for result in found):.1%}"


def _error(score: Score) -> str:
    return "-" if score.error_rate is None else f"{score.error_rate:.2%}"
