"""The part of the robustness report about pictures that hold no digit."""

from collections.abc import Iterable, Iterator
from statistics import mean

from benchmarks.fonts import DIGIT_LIKE, LETTERS
from benchmarks.results import Decisions, Group, JunkResult, Results
from benchmarks.tables import header, row

_METHOD = """
## Junk

AUROC of the confidence, clean digits against junk, and the share of junk that is accepted (in
brackets). A blank picture has the confidence 0. Of each kind there are as many pictures as digits.
Crops come from {photographs} photographs, letters in {fonts} fonts.

Of the 52 letters, *printed letters* and *bent letters* show {kept}:

    {letters_kept}

Left out are {left_out}, which a hand may mean as a digit, or which a digit may look like:

    {letters_left_out}

They have a row of their own, *digit-like letters*, and are in no total.

Training shows the models junk as well (`training/junk.py`). A *{trained}* is one that training
draws too, by other generators and in other fonts (OpenCV's Hershey fonts); a *{new}* is not.
"""

_SCORES = """
### Which score tells new kinds of junk apart

AUROC of three scores: {scores}.

*Confidence*, the largest probability, is what accepting goes by; *entropy* is that of the
probabilities; *energy* is the logarithm of the summed exponentials of the logits (Liu, Wang, Owens
and Li, "Energy-based Out-of-distribution Detection", NeurIPS 2020). The graph may divide its logits
by a temperature. A blank picture has the least of each.
"""

_REASONS = """
### Reasons

Share of pictures that {name} accepts, and that each reason speaks against; several may.
"""


def junk_lines(results: Results, names: list[str]) -> Iterator[str]:
    """Accepted and told apart, by kind; the scores that could; the reasons, by model."""
    yield _METHOD.format(
        photographs=results.photographs,
        fonts=results.fonts,
        kept=len(LETTERS),
        letters_kept=" ".join(LETTERS),
        left_out=len(DIGIT_LIKE),
        letters_left_out=" ".join(DIGIT_LIKE),
        trained=Group.TRAINED,
        new=Group.NEW,
    )
    yield from _by_kind(results, names)
    yield from _by_score(results, names)
    for name in names:
        yield from _by_reason(results, name)


def _by_kind(results: Results, names: list[str]) -> Iterator[str]:
    yield from header("kind", "group", *names)
    for result in results.junk:
        cells = (
            f"{result.auroc[name]['confidence']:.4f} ({_accepted([result], name)})"
            for name in names
        )
        yield row(result.kind, result.group, *cells)
    for group in (Group.TRAINED, Group.NEW):
        found = _of(results, group)
        yield row(f"all of a {group}: accepted", "", *(_accepted(found, name) for name in names))


def _by_score(results: Results, names: list[str]) -> Iterator[str]:
    new = _of(results, Group.NEW)
    scores = list(new[0].auroc[names[0]])
    yield _SCORES.format(scores=" / ".join(scores))
    yield from header("kind", *names)
    for title, found in (*((result.kind, [result]) for result in new), ("mean", new)):
        yield row(
            title,
            *(
                " / ".join(f"{mean(it.auroc[name][score] for it in found):.4f}" for score in scores)
                for name in names
            ),
        )


def _by_reason(results: Results, name: str) -> Iterator[str]:
    digits = results.clean_decisions[name]
    yield _REASONS.format(name=name)
    yield from header("kind", "accepted", *digits.reasons)
    yield row("clean digits", *_shares(digits, results.images))
    for result in results.junk:
        yield row(result.kind, *_shares(result.decisions[name], result.pictures))


def _shares(decisions: Decisions, pictures: int) -> Iterator[str]:
    for count in (decisions.accepted, *decisions.reasons.values()):
        yield f"{count / pictures:.1%}"


def _of(results: Results, group: Group) -> list[JunkResult]:
    return [result for result in results.junk if result.group is group]


def _accepted(found: Iterable[JunkResult], name: str) -> str:
    found = list(found)
    accepted = sum(result.decisions[name].accepted for result in found)
    return f"{accepted / sum(result.pictures for result in found):.1%}"
