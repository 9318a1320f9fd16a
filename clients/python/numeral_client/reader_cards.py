"""What the service says of its readers of fields."""

from numeral_client.cards import Card, ModelSummary, Summary
from numeral_client.problem import Answer
from numeral_client.records import Interval, Reliability, Selection


class FieldEvaluation(Answer):
    """How strips of one kind were read."""

    strips: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    correct_length_known: int
    accuracy_length_known: float
    digit_error_rate: float
    reliability: Reliability


class FieldEvaluations(Answer):
    """Real amounts of cheques, and strips composed of MNIST's digits."""

    amounts: FieldEvaluation
    composed: FieldEvaluation


class FieldSelections(Answer):
    """What a threshold does to the strips of each kind."""

    amounts: Selection
    composed: Selection


class FieldOperatingPoint(Answer):
    """A threshold on the confidence of whole fields, and what it does."""

    max_error: float
    threshold: float | None
    shown_on: tuple[str, ...]
    held_out: FieldSelections


class ConfidenceRule(Answer):
    """How the confidence of a field follows from its hypotheses."""

    intercept: float
    probability: float
    margin: float
    weakest: float


class FieldSpeed(Answer):
    """Time in ONNX Runtime alone, on one thread."""

    hardware: str
    width: int
    latency_ms: float
    strips_per_second: float


class ReaderSummary(Summary):
    """How large a reader of fields is and how well it reads."""

    held_out: FieldEvaluations
    operating_points: tuple[FieldOperatingPoint, ...]


class ReaderDetail(Card):
    """Everything that is known of a reader of fields."""

    operating_points: tuple[FieldOperatingPoint, ...]
    temperature: float
    confidence: ConfidenceRule
    held_out: FieldEvaluations
    speed: FieldSpeed


class ModelList(Answer):
    """The published models and readers."""

    models: tuple[ModelSummary, ...]
    readers: tuple[ReaderSummary, ...]
