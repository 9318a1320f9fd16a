"""The robustness report, as Markdown."""

from collections.abc import Iterable, Iterator
from statistics import mean

from benchmarks.results import ConditionResult, Results, Score, pooled

_WORST = 5

_METHOD = """\
# Robustness

The first {images:,} of MNIST's test images under generated conditions, pictures that hold no
digit, and digits of other data sets; made by

    {command}

on {machine}.

Pictures are files (PNG or JPEG) that go through the service's own path: decode, normalise, the
model, the decision. The conditions from rotation to JPEG are white on black at 28x28; most follow
MNIST-C (Mu and Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", 2019). The others are
dark ink on paper at 140x140 pixels or more, where the digit's size and place vary. Each has three
severities; [robustness.json](robustness.json) has them one by one, and every other figure.

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
    yield from _junk(results, names)
    yield from _real(results, names)
    yield from _costs(results, names)


def _averages(results: Results, names: list[str]) -> Iterator[str]:
    yield "## On average over the conditions\n"
    columns = ("clean", "conditions", "resize", "read rate", "resize", "error", "resize")
    yield from _header("model", *columns)
    for name in names:
        normalised = [result.normalised[name] for result in results.conditions]
        resized = [result.resized[name] for result in results.conditions]
        yield _row(
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
    yield from _header("condition", *names)
    for condition, found in (("clean", (results.clean,)), *results.by_condition().items()):
        yield _row(condition, *(_accuracies(found, name) for name in names))
    yield "\n## Read rate by condition\n"
    yield from _header("condition", *names)
    for condition, found in (("clean", (results.clean,)), *results.by_condition().items()):
        yield _row(
            condition,
            *(f"{_over(found, name).read_rate:.1%}" for name in names),
        )


def _worst(results: Results, names: list[str]) -> Iterator[str]:
    yield f"\n## The {_WORST} worst conditions by error among accepted\n"
    yield "Over the three severities together; conditions without an error are left out.\n"
    yield from _header("model", "condition", "error", "wrong", "accepted", "the same after resize")
    for name in names:
        conditions = results.by_condition()
        worst = sorted(conditions, key=lambda key: -(_over(conditions[key], name).error_rate or 0))
        for condition in worst[:_WORST]:
            score = _over(conditions[condition], name)
            naive = pooled(result.resized[name] for result in conditions[condition])
            if score.errors:
                counts = str(score.errors), str(score.accepted)
                yield _row(name, condition, _error(score), *counts, _error(naive))


def _junk(results: Results, names: list[str]) -> Iterator[str]:
    yield "\n## Junk\n"
    yield (
        "AUROC of the confidence, clean digits against junk, and the share of junk that is accepted"
        " (in brackets). A blank picture has the confidence 0. Of each kind there are as many"
        f" pictures as digits. Letters come in {results.fonts} fonts, crops from"
        f" {results.photographs} photographs. None of the generators is used in training.\n"
    )
    yield from _header("kind", *names)
    for result in results.junk:
        yield _row(
            result.kind,
            *(
                f"{score.auroc:.4f} ({score.accepted / result.pictures:.1%})"
                for score in (result.scores[name] for name in names)
            ),
        )
    pictures = sum(result.pictures for result in results.junk)
    accepted = (sum(result.scores[name].accepted for result in results.junk) for name in names)
    yield _row("all: accepted", *(f"{count / pictures:.1%}" for count in accepted))


def _real(results: Results, names: list[str]) -> Iterator[str]:
    yield "\n## Digits that are not MNIST's\n"
    yield from _header("set", "model", "digits", "accuracy", "read rate", "error among accepted")
    for result in results.real:
        if result.missing:
            yield _row(result.name, f"not measured: {result.missing}", "", "", "", "")
        for name in names if result.scores else ():
            score = result.scores[name]
            rates = f"{score.accuracy:.2%}", f"{score.read_rate:.1%}", _error(score)
            yield _row(result.name, name, f"{score.images:,}", *rates)


def _costs(results: Results, names: list[str]) -> Iterator[str]:
    yield "\n## Cost\n"
    yield "Milliseconds for one picture on one thread, median.\n"
    yield from _header("picture", "file", "decode", "normalise", *names)
    for cost in results.costs:
        yield _row(
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


def _header(*columns: str) -> Iterator[str]:
    yield _row(*columns)
    yield _row("---", *("---:" for _ in columns[1:]))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
