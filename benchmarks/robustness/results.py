"""Figures of the robustness benchmark, as in robustness.json."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby

from pydantic import computed_field
from scipy.stats import beta

from benchmarks.reports import Record, Report, Split

_CONFIDENCE = 0.95


class Score(Record):
    """Counts over images; `errors` are the wrong answers among the accepted."""

    images: int
    correct: int
    accepted: int
    errors: int

    @computed_field
    @property
    def accuracy(self) -> float:
        """Share of right answers, accepted or not."""
        return self.correct / self.images

    @computed_field
    @property
    def read_rate(self) -> float:
        """Share of accepted answers."""
        return self.accepted / self.images

    @computed_field
    @property
    def error_rate(self) -> float | None:
        """Share of wrong answers among the accepted; None if none was accepted."""
        return self.errors / self.accepted if self.accepted else None

    @computed_field
    @property
    def error_bound(self) -> float:
        """Upper bound of the error rate by Clopper and Pearson, one-sided, 95%."""
        if self.errors == self.accepted:
            return 1.0
        return float(beta.ppf(_CONFIDENCE, self.errors + 1, self.accepted - self.errors))


def pooled(scores: Iterable[Score]) -> Score:
    """Add up `scores`."""
    found = list(scores)
    names = ("images", "correct", "accepted", "errors")
    return Score(**{name: sum(getattr(score, name) for score in found) for name in names})


class Expected(StrEnum):
    """What the service should answer to a picture."""

    DIGIT = "digit"
    REVIEW = "review"  # whatever it reads, a person should look
    BLANK = "blank"


class ConditionResult(Record):
    """Scores by model under one condition at one severity, from 1."""

    condition: str
    severity: int
    expected: Expected = Expected.DIGIT
    level: float
    blank: int  # pictures in which the service found nothing written
    normalised: dict[str, Score]
    resized: dict[str, Score]


class Group(StrEnum):
    """Whether training shows a kind of junk to the models."""

    TRAINED = "trained kind"
    NEW = "new kind"
    APART = "apart"  # may rightly be read as digits


class Decisions(Record):
    """How many pictures one model accepts, and how many are sent to review for each reason."""

    accepted: int
    reasons: dict[str, int]


class JunkResult(Record):
    """Pictures of one kind of junk; `auroc` of the confidence, clean digits against them."""

    kind: str
    group: Group
    pictures: int
    auroc: dict[str, float]
    decisions: dict[str, Decisions]


class RealResult(Record):
    """Scores by model on one set of digits; `missing` says why there are none."""

    name: str
    missing: str | None = None
    scores: dict[str, Score] = {}


class Model(Record):
    """A model, and the smallest confidence that it accepts."""

    name: str
    version: str
    threshold: float | None


class Results(Report):
    """All figures of one run."""

    split: Split
    images: int
    seed: int
    max_error: float
    fonts: int
    photographs: int
    models: tuple[Model, ...]
    clean: ConditionResult
    clean_decisions: dict[str, Decisions]
    conditions: tuple[ConditionResult, ...]
    junk: tuple[JunkResult, ...]
    real: tuple[RealResult, ...]

    def of_digits(self) -> Sequence[ConditionResult]:
        """Return the results of the conditions under which a digit should be read."""
        return [each for each in self.conditions if each.expected is Expected.DIGIT]

    def by_condition(self, *expected: Expected) -> dict[str, Sequence[ConditionResult]]:
        """Return the results of the conditions that expect one of these answers, by severity."""
        chosen = (each for each in (self.clean, *self.conditions) if each.expected in expected)
        return {name: list(found) for name, found in groupby(chosen, lambda each: each.condition)}
