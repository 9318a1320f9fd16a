"""What the robustness benchmark finds: the form of `robustness.json`."""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field
from scipy.stats import beta

_CONFIDENCE = 0.95


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Score(_Record):
    """What came of so many images; `errors` are the wrong answers among the accepted."""

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
        """Share of wrong answers among the accepted; None where none was accepted."""
        return self.errors / self.accepted if self.accepted else None

    @computed_field
    @property
    def error_bound(self) -> float:
        """Upper bound of the error rate by Clopper and Pearson, one-sided, 95%."""
        if self.errors == self.accepted:
            return 1.0
        return float(beta.ppf(_CONFIDENCE, self.errors + 1, self.accepted - self.errors))


def pooled(scores: Iterable[Score]) -> Score:
    """All images of `scores` together."""
    found = list(scores)
    return Score(
        images=sum(score.images for score in found),
        correct=sum(score.correct for score in found),
        accepted=sum(score.accepted for score in found),
        errors=sum(score.errors for score in found),
    )


class ConditionResult(_Record):
    """Scores by model under one condition at one severity, from 1."""

    condition: str
    severity: int
    level: float
    blank: int  # pictures in which the service found nothing written
    normalised: dict[str, Score]
    resized: dict[str, Score]


class Group(StrEnum):
    """What a kind of junk says about a model."""

    TRAINED = "trained kind"
    NEW = "new kind"
    APART = "apart"  # may be read as digits with good reason


class Decisions(_Record):
    """How many pictures one model accepts, and how many each reason speaks against."""

    accepted: int
    reasons: dict[str, int]


class JunkResult(_Record):
    """So many pictures of one kind of junk; `auroc` by model and by score, digits against them."""

    kind: str
    group: Group
    pictures: int
    auroc: dict[str, dict[str, float]]
    decisions: dict[str, Decisions]


class RealResult(_Record):
    """Scores by model on one set of digits; `missing` says why there are none."""

    name: str
    missing: str | None = None
    scores: dict[str, Score] = {}


class Cost(_Record):
    """Median milliseconds for one picture on one thread."""

    picture: str
    file_bytes: int
    decode_ms: float
    normalise_ms: float
    inference_ms: dict[str, float]


class Model(_Record):
    """A model that was measured, and the least confidence that it accepts."""

    name: str
    version: str
    threshold: float | None


class Results(_Record):
    """Everything that one run found."""

    command: str
    machine: str
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
    costs: tuple[Cost, ...]

    def by_condition(self) -> dict[str, tuple[ConditionResult, ...]]:
        """The results of each condition, its severities in order."""
        names = dict.fromkeys(result.condition for result in self.conditions)
        return {
            name: tuple(result for result in self.conditions if result.condition == name)
            for name in names
        }
