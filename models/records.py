"""Records that the cards of digit models and of readers share."""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """What cannot be changed and holds nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(Record):
    """A two-sided confidence interval of a rate."""

    low: Rate
    high: Rate
    confidence: Rate = 0.95
    method: Literal["wilson"] = "wilson"


class ReliabilityBin(Record):
    """The images whose confidence falls into one of 15 equal bins; empty bins are left out."""

    images: int = Field(ge=1)
    confidence: Rate = Field(description="Mean over the images.")
    accuracy: Rate


class Reliability(Record):
    """Whether confidences mean what they say: near the diagonal they do."""

    nll: float = Field(ge=0.0, description="Mean negative log-likelihood, in nats.")
    ece: Rate = Field(description="Expected calibration error: mean distance from the diagonal.")
    bins: tuple[ReliabilityBin, ...]


class Selection(Record):
    """What a threshold does to a labelled set."""

    images: Count
    accepted: Count
    errors: Count = Field(description="Wrong answers among the accepted.")
    read_rate: Rate
    error_rate: Rate
    error_rate_bound: Rate = Field(
        description="Upper Clopper-Pearson bound of the error rate, one-sided, 95%."
    )


class TrainingRun(Record):
    """How the weights came about."""

    recipe: str
    settings: dict[str, JsonValue] = Field(
        description="Everything that the recipe decides: learning rate, augmentation and the like."
    )
    seed: int
    epochs: Count
    batch_size: Count
    train_images: Count
    validation_images: Count
    teachers: tuple[str, ...] = Field(
        default=(), description="The runs whose answers it learnt from, beside the labels."
    )
    initial: str | None = Field(default=None, description="The run whose weights it started from.")
    also: str | None = Field(
        default=None, description="Digest of digits of one's own that it learnt from besides."
    )


class Point(Record):
    """A threshold on the confidence that keeps the error rate among accepted answers down."""

    max_error: Rate
    threshold: Rate | None


_Point = TypeVar("_Point", bound=Point)


class Card(Record, Generic[_Point]):
    """What is said of every published model."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)
    title: str
    version: str = Field(description="The first eight digits of the file's SHA-256.")
    architecture: str
    parameters: Count
    file: str = Field(pattern=r"^[\w-]+\.onnx$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    opset: int
    training: TrainingRun
    operating_points: tuple[_Point, ...]

    def operating_point(self, max_error: float) -> _Point:
        """The most permissive operating point that is at least as strict as `max_error`.

        Raises:
            LookupError: every published point is more permissive than `max_error`.
        """
        strict_enough = [point for point in self.operating_points if point.max_error <= max_error]
        if not strict_enough:
            published = ", ".join(f"{point.max_error:g}" for point in self.operating_points)
            raise LookupError(
                f"{self.name} has no operating point for an error rate of {max_error:g};"
                f" published: {published or 'none'}"
            )
        return max(strict_enough, key=lambda point: point.max_error)
