"""The robustness report, as Markdown."""

from collections.abc import Iterable, Iterator
from statistics import mean

from benchmarks.junk_report import junk_lines
from benchmarks.results import ConditionResult, Results, Score, pooled
from benchmarks.tables import header, row

_WORST = 5
_LEAST_ACCEPTED = 50  # of fewer, one error is a rate of more than 2%

_METHOD = """\
# Robustness

The first {images:,} of MNIST's test images under generated conditions, pictures that hold no
digit, and digits of other data sets; made by

    {command}

on {machine}.

Pictures are files (PNG or JPEG) that go through the service's own path: decode, normalise, the
model, the decision. The conditions from rotation to JPEG are white on black at 28x28, made after
MNIST-C (Mu and Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", 2019) but not equal
to it: `benchmarks/distortions.py` lists the differences. The others are dark ink on paper at
140x140 pixels or more, where the digit's size and place vary. Each has three severities;
[robustness.json](robustness.json) has them one by one, and every other figure.

*Resize* is what a service does that knows MNIST's size only: grey, 28x28, inverted if the rim is
light. *Read rate* and *error among accepted* are at the operating point of {max_error:.1%}.
"""


def markdown(results: Results) -> str:
    """The page, with a table for each part."""
    method = _METHOD.format(
        images=results.images,
        command=results.command,
        machine=results.machine,
        max_error=results.max_error,
    )
    return method + "\n" + "\n".join(_lines(results)) + "\n"


def _lines(results: Results) -> Iterator[str]:
    names = [model.name for model in results.models]
    silent = [model.name for model in results.models if model.threshold is None]
    if silent:
        yield (
            f"No threshold was shown to keep {results.max_error:.1%} for {', '.join(silent)}:"
            " they accept nothing.\n"
        )
    yield from _averages(results, names)
    yield from _conditions(results, names)
    yield from _worst(results, names)
    yield from junk_lines(results, names)
    yield from _real(results, names)
    yield from _costs(results, names)


def _averages(results: Results, names: list[str]) -> Iterator[str]:
    yield "## On average over the conditions\n"
    columns = ("clean", "conditions", "resize", "read rate", "resize", "error", "resize")
    yield from header("model", *columns)
    for name in names:
        normalised = [result.normalised[name] for result in results.conditions]
        resized = [result.resized[name] for result in results.conditions]
        yield row(
            name,
            f"{results.clean.normalised[name].accuracy:.2%}",
            *(f"{mean(score.accuracy for score in found):.2%}" for found in (normalised, resized)),
            *(f"{mean(score.read_rate for score in found):.1%}" for found in (normalised, resized)),
            *(_error(pooled(found)) for found in (normalised, resized)),
        )
    yield "\nAccuracy, read rate and error among accepted.\n"


def _conditions(results: Results, names: list[str]) -> Iterator[str]:
    yield "## Accuracy by condition\n"
    yield "Mean over the severities: as the service reads, and after the resize (in brackets).\n"
    yield from header("condition", *names)
    for condition, found in (("clean", (results.clean,)), *results.by_condition().items()):
        yield row(condition, *(_accuracies(found, name) for name in names))
    yield "\n## Read rate by condition\n"
    yield from header("condition", *names)
    for condition, found in (("clean", (results.clean,)), *results.by_condition().items()):
        yield row(
            condition,
            *(f"{_over(found, name).read_rate:.1%}" for name in names),
        )


def _worst(results: Results, names: list[str]) -> Iterator[str]:
    yield f"\n## The {_WORST} worst conditions by error among accepted\n"
    yield (
        "Each severity by itself. The bound is that of Clopper and Pearson, one-sided, 95%."
        f" Left out is where a model accepts fewer than {_LEAST_ACCEPTED} pictures; how often that"
        " is stands beside its name.\n"
    )
    columns = "error", "bound", "wrong", "accepted", "the same after resize"
    yield from header("model", "condition", "severity", *columns)
    for name in names:
        found = [
            result
            for result in results.conditions
            if result.normalised[name].accepted >= _LEAST_ACCEPTED
        ]
        title = f"{name} ({len(results.conditions) - len(found)} of {len(results.conditions)})"
        if not found:
            yield row(title, *("-" for _ in range(7)))
        for result in sorted(found, key=lambda result: _badness(result.normalised[name]))[:_WORST]:
            score = result.normalised[name]
            rates = _error(score), f"{score.error_bound:.2%}"
            counts = str(score.errors), str(score.accepted)
            at = result.condition, str(result.severity)
            yield row(title, *at, *rates, *counts, _error(result.resized[name]))


def _badness(score: Score) -> tuple[float, float]:
    """A key that puts the worst first."""
    return -(score.error_rate or 0), -score.error_bound


def _real(results: Results, names: list[str]) -> Iterator[str]:
    yield "\n## Digits that are not MNIST's\n"
    yield from header("set", "model", "digits", "accuracy", "read rate", "error among accepted")
    for result in results.real:
        if result.missing:
            yield row(result.name, f"not measured: {result.missing}", "", "", "", "")
        for name in names if result.scores else ():
            score = result.scores[name]
            rates = f"{score.accuracy:.2%}", f"{score.read_rate:.1%}", _error(score)
            yield row(result.name, name, f"{score.images:,}", *rates)


def _costs(results: Results, names: list[str]) -> Iterator[str]:
    yield "\n## Cost\n"
    yield "Milliseconds for one picture on one thread, median.\n"
    yield from header("picture", "file", "decode", "normalise", *names)
    for cost in results.costs:
        yield row(
            cost.picture,
            f"{cost.file_bytes / 1000:,.1f} kB",
            f"{cost.decode_ms:.2f}",
            f"{cost.normalise_ms:.2f}",
            *(f"{cost.inference_ms[name]:.2f}" for name in names),
        )


def _over(found: Iterable[ConditionResult], name: str) -> Score:
    return pooled(result.normalised[name] for result in found)


def _accuracies(found: Iterable[ConditionResult], name: str) -> str:
    found = list(found)
    naive = pooled(result.resized[name] for result in found)
    return f"{_over(found, name).accuracy:.1%} ({naive.accuracy:.1%})"


def _error(score: Score) -> str:
    return "-" if score.error_rate is None else f"{score.error_rate:.2%}"
