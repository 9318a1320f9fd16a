"""Records shared by the cards of digit models and field readers."""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """Immutable base model that forbids unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(Record):
    """A two-sided confidence interval of a rate."""

    low: Rate
    high: Rate
    confidence: Rate = 0.95
    method: Literal["wilson"] = "wilson"


class ReliabilityBin(Record):
    """Images whose confidence falls into one of 15 equal bins; empty bins are omitted."""

    images: int = Field(ge=1)
    confidence: Rate = Field(description="Mean over the images.")
    accuracy: Rate


class Reliability(Record):
    """Confidence against accuracy; calibrated confidences are on the diagonal."""

    nll: float = Field(ge=0.0, description="Mean negative log-likelihood, in nats.")
    ece: Rate = Field(description="Expected calibration error: mean distance from the diagonal.")
    bins: tuple[ReliabilityBin, ...]


class Selection(Record):
    """Effect of a threshold on a labelled set."""

    images: Count
    accepted: Count
    errors: Count = Field(description="Errors among the accepted answers.")
    read_rate: Rate
    error_rate: Rate
    error_rate_bound: Rate = Field(
        description="Upper Clopper-Pearson bound of the error rate, one-sided, 95%."
    )


class TrainingRun(Record):
    """How the weights were trained."""

    recipe: str
    settings: dict[str, JsonValue] = Field(
        description="All settings of the recipe, such as learning rate and augmentation."
    )
    seed: int
    epochs: Count
    batch_size: Count
    train_images: Count
    validation_images: Count
    teachers: tuple[str, ...] = Field(
        default=(),
        description="Runs whose predictions it was trained on, in addition to the labels.",
    )
    initial: str | None = Field(default=None, description="Run whose weights it started from.")
    also: str | None = Field(default=None, description="Hash of additional training digits.")
    folds: Count | None = Field(
        default=None,
        description="Cross-fitting: it learnt from all training images, and was calibrated on the"
        " answers of this many networks of the same recipe, each for the writers it had not seen."
        " Null: it was calibrated on validation images of its own.",
    )
    negatives: str | None = Field(
        default=None, description="Hash of the written characters that it learnt to refuse."
    )
    pictures: str | None = Field(
        default=None, description="Hash of the training digits cut out of pages."
    )


class Point(Record):
    """A threshold on the confidence, which bounds the error rate among accepted answers."""

    max_error: Rate
    threshold: Rate | None


_Point = TypeVar("_Point", bound=Point)


class OperatingPoints(Record, Generic[_Point]):
    """What has operating points: a published model, or a calibration of one."""

    name: str
    operating_points: tuple[_Point, ...]

    def operating_point(self, max_error: float) -> _Point:
        """Return the most permissive operating point that is at least as strict as `max_error`.

        Raises:
            LookupError: every point is more permissive.
        """
        strict_enough = [point for point in self.operating_points if point.max_error <= max_error]
        if not strict_enough:
            published = ", ".join(f"{point.max_error:g}" for point in self.operating_points)
            raise LookupError(
                f"{self.name} has no operating point for an error rate of {max_error:g};"
                f" published: {published or 'none'}"
            )
        return max(strict_enough, key=lambda point: point.max_error)


class Card(OperatingPoints[_Point]):
    """Common fields of all published models."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)
    title: str
    version: str = Field(description="The first eight digits of the file's SHA-256.")
    architecture: str
    parameters: Count
    file: str = Field(pattern=r"^[\w-]+\.onnx$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    opset: int
    training: TrainingRun
