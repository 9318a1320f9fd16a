"""Cards of the models; numbers are shares from 0 to 1 unless a docstring says otherwise."""

from datetime import datetime
from typing import Any, Literal

from numeral_client.schemas import Answer


class Interval(Answer):
    """Confidence interval of a rate."""

    low: float
    high: float
    confidence: float
    method: str


class ReliabilityBin(Answer):
    """Images whose confidence falls into one of 15 equal bins."""

    images: int
    confidence: float
    accuracy: float


class Reliability(Answer):
    """How well confidences match accuracy; `nll` is in nats."""

    nll: float
    ece: float
    bins: tuple[ReliabilityBin, ...]


class Selection(Answer):
    """Effect of a threshold on a labelled set."""

    images: int
    accepted: int
    errors: int
    read_rate: float
    error_rate: float
    error_rate_bound: float


class TrainingRun(Answer):
    """How the weights were trained."""

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
    folds: int | None = None
    negatives: str | None = None
    pictures: str | None = None


class StudyResult(Answer):
    """Result of the plain recipe after a number of epochs."""

    epochs: int
    train_images: int
    loss: float
    accuracy: float
    validation_accuracy: float
    test_accuracy: float
    seconds_per_epoch: float


class AuditResult(Answer):
    """The error rate among accepted answers that people found, with its exact 95% interval."""

    model: str
    version: str
    days: float
    answers: int
    errors: int
    error_rate: float | None
    low: float
    high: float


class Summary(Answer):
    """Identity and status of a model.

    Attributes:
        default: the service uses it if a request names no model.
        reason: why it could not be loaded.
        audit: None unless the service audits its answers.
    """

    name: str
    title: str
    version: str
    parameters: int
    default: bool
    status: Literal["loaded", "failed"]
    reason: str | None
    audit: AuditResult | None = None


class Card(Summary):
    """Full card of a model."""

    architecture: str
    file: str
    sha256: str
    opset: int
    training: TrainingRun


class OperatingPointSummary(Answer):
    """Expected rates at one supported `max_error`; without a threshold nothing is accepted."""

    max_error: float
    threshold: float | None
    read_rate: float
    error_rate: float
    error_rate_bound: float
    accepted: int | None = None
    errors: int | None = None


class ModelSummary(Summary):
    """Size of a digit model, and its accuracy on MNIST's test images."""

    quantised: bool
    accuracy: float
    accuracy_interval: Interval
    operating_points: tuple[OperatingPointSummary, ...]
    study: tuple[StudyResult, ...]


class Evaluation(Answer):
    """Result of a digit model on a labelled set; rows of the matrix are labels."""

    images: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    per_digit_accuracy: tuple[float, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]


class Calibration(Answer):
    """Effect of the temperature."""

    temperature: float
    before: Reliability
    after: Reliability


class Speed(Answer):
    """Time in ONNX Runtime alone, on one thread."""

    hardware: str
    latency_ms: float
    images_per_second: float


class OperatingPoint(Answer):
    """A threshold on the confidence, and its effect."""

    max_error: float
    threshold: float | None
    held_out: Selection
    test: Selection


class OutlierRule(Answer):
    """Entropy of the probabilities, in nats, above which a picture is taken for no digit.

    `scored`: whether the model also has the output `outlier`.
    """

    entropy: float
    scored: bool = False
    held_out: float
    test: float


class ModelDetail(Card):
    """Full card of a digit model."""

    operating_points: tuple[OperatingPoint, ...]
    quantised: bool
    test: Evaluation
    calibration: Calibration
    speed: Speed
    outliers: OutlierRule
    study: tuple[StudyResult, ...]


class FieldEvaluation(Answer):
    """Result of a field reader on strips of one kind."""

    strips: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    correct_length_known: int
    accuracy_length_known: float
    digit_error_rate: float
    reliability: Reliability


class FieldEvaluations(Answer):
    """Results on amounts of cheques, numbers in cells, and strips composed of MNIST's digits."""

    amounts: FieldEvaluation
    composed: FieldEvaluation
    cells: FieldEvaluation | None = None


class FieldSelections(Answer):
    """Effect of a threshold on the strips of each kind."""

    amounts: Selection
    composed: Selection
    cells: Selection | None = None


class FieldOperatingPoint(Answer):
    """A threshold on the confidence of whole fields, and its effect."""

    max_error: float
    threshold: float | None
    shown_on: tuple[str, ...]
    held_out: FieldSelections


class ConfidenceRule(Answer):
    """Coefficients that turn a field's hypotheses into its confidence."""

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
    """Size and accuracy of a field reader."""

    held_out: FieldEvaluations
    operating_points: tuple[FieldOperatingPoint, ...]


class ReaderDetail(Card):
    """Full card of a field reader."""

    operating_points: tuple[FieldOperatingPoint, ...]
    temperature: float
    confidence: ConfidenceRule
    held_out: FieldEvaluations
    speed: FieldSpeed


class CalibratedPoint(Answer):
    """A threshold chosen on a user's pictures; None where too few of them show `max_error`."""

    max_error: float
    threshold: float | None
    found: Selection
    missing: int


class CalibrationSummary(Answer):
    """Operating points of a model on a user's pictures; `reason` says why it cannot be used."""

    name: str
    default: bool
    reason: str | None
    model: str | None = None
    version: str | None = None
    created: datetime | None = None
    labels: str | None = None
    pictures: int | None = None
    right: int | None = None
    operating_points: tuple[CalibratedPoint, ...] = ()


class ModelList(Answer):
    """The published digit models and field readers, calibrations, and default error rates.

    None means that the service is older than this client.
    """

    models: tuple[ModelSummary, ...]
    readers: tuple[ReaderSummary, ...]
    max_error: float | None = None
    field_max_error: float | None = None
    calibrations: tuple[CalibrationSummary, ...] = ()
