"""What the service says of its models; numbers are shares from 0 to 1 unless they say otherwise."""

from typing import Literal

from numeral_client.problem import Answer
from numeral_client.records import Interval, Reliability, Selection, TrainingRun


class StudyResult(Answer):
    """What a plain recipe comes to after so many epochs."""

    epochs: int
    train_images: int
    loss: float
    accuracy: float
    validation_accuracy: float
    test_accuracy: float
    seconds_per_epoch: float


class OperatingPointSummary(Answer):
    """What can be expected at a `max_error` that may be asked for; None: no threshold does."""

    max_error: float
    threshold: float | None
    read_rate: float
    error_rate: float
    error_rate_bound: float


class Availability(Answer):
    """Whether a model is served.

    Attributes:
        default: it answers when a caller names none.
        reason: why it could not be loaded.
    """

    default: bool
    status: Literal["loaded", "failed"]
    reason: str | None


class Summary(Availability):
    """Which model it is."""

    name: str
    title: str
    version: str
    parameters: int


class ModelSummary(Summary):
    """How large a model of digits is and how well it reads MNIST's test images."""

    quantised: bool
    accuracy: float
    accuracy_interval: Interval
    operating_points: tuple[OperatingPointSummary, ...]
    study: tuple[StudyResult, ...]


class Card(Summary):
    """Everything that is known of a model."""

    architecture: str
    file: str
    sha256: str
    opset: int
    training: TrainingRun


class Evaluation(Answer):
    """How a model of digits reads a labelled set; the matrix's rows are labels."""

    images: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    per_digit_accuracy: tuple[float, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]


class Calibration(Answer):
    """What the temperature did."""

    temperature: float
    before: Reliability
    after: Reliability


class Speed(Answer):
    """Time in ONNX Runtime alone, on one thread."""

    hardware: str
    latency_ms: float
    images_per_second: float


class OperatingPoint(Answer):
    """A threshold on the confidence, and what it does."""

    max_error: float
    threshold: float | None
    held_out: Selection
    test: Selection


class OutlierRule(Answer):
    """What is taken for no digit: entropy of the probabilities above so many nats."""

    entropy: float
    held_out: float
    test: float


class ModelDetail(Card):
    """Everything that is known of a model of digits."""

    operating_points: tuple[OperatingPoint, ...]
    quantised: bool
    test: Evaluation
    calibration: Calibration
    speed: Speed
    outliers: OutlierRule
    study: tuple[StudyResult, ...]
