"""What the cards of models and of readers share."""

from typing import Any

from numeral_client.problem import Answer


class Interval(Answer):
    """A confidence interval of a rate."""

    low: float
    high: float
    confidence: float
    method: str


class ReliabilityBin(Answer):
    """The images whose confidence falls into one of 15 equal bins."""

    images: int
    confidence: float
    accuracy: float


class Reliability(Answer):
    """Whether confidences mean what they say; `nll` is in nats."""

    nll: float
    ece: float
    bins: tuple[ReliabilityBin, ...]


class Selection(Answer):
    """What a threshold does to a labelled set."""

    images: int
    accepted: int
    errors: int
    read_rate: float
    error_rate: float
    error_rate_bound: float


class TrainingRun(Answer):
    """How the weights came about."""

    recipe: str
    settings: dict[str, Any]
    seed: int
    epochs: int
    batch_size: int
    train_images: int
    validation_images: int
    teachers: tuple[str, ...]
    initial: str | None
    also: str | None
