"""What the manifest says of a reader of fields."""

from pydantic import Field

from models.records import Card, Count, Interval, Point, Rate, Record, Reliability, Selection


class FieldEvaluation(Record):
    """How strips of one kind were read, on the exported file through ONNX Runtime."""

    strips: Count
    correct: Count = Field(description="Strips whose digits were all read, and no others.")
    accuracy: Rate
    accuracy_interval: Interval
    correct_length_known: Count = Field(description="The same where the length was given.")
    accuracy_length_known: Rate
    digit_error_rate: float = Field(
        ge=0.0, description="Digits to insert, leave out or change, for each digit written."
    )
    reliability: Reliability = Field(description="Of the confidence of whole strips.")


class FieldEvaluations(Record):
    """The strips held out of training."""

    amounts: FieldEvaluation = Field(description="Real amounts of cheques.")
    composed: FieldEvaluation = Field(description="Strips composed of held-out MNIST digits.")


class ConfidenceRule(Record):
    """How the confidence of a whole strip follows from its hypotheses: a logistic regression."""

    intercept: float
    probability: float = Field(description="Weight of the log-odds of the best text.")
    margin: float = Field(description="Weight of its log-odds against the second.")
    weakest: float = Field(description="Weight of the log-odds of its least likely digit.")


class FieldSelections(Record):
    """What a threshold does to the strips held out of training, by kind."""

    amounts: Selection
    composed: Selection


class FieldOperatingPoint(Point):
    """A threshold on the confidence of whole strips.

    `shown_on` names the kinds of strips for which the error rate among accepted ones was shown to
    stay below `max_error`, at 95% confidence. Of the others there are too few to show it: that it
    is higher was not shown either. `threshold` is null where it was shown for no kind: such a point
    accepts nothing.
    """

    shown_on: tuple[str, ...]
    held_out: FieldSelections


class FieldSpeed(Record):
    """Time in ONNX Runtime alone, on one thread."""

    hardware: str
    width: Count = Field(description="Columns of the strip that was timed.")
    latency_ms: float = Field(gt=0.0, description="Median time of one strip.")
    strips_per_second: float = Field(gt=0.0, description="In batches of 16, median.")


class ReaderCard(Card[FieldOperatingPoint]):
    """One published reader of fields."""

    temperature: float = Field(gt=0.0, description="Divides the logits inside the graph.")
    confidence: ConfidenceRule
    held_out: FieldEvaluations
    speed: FieldSpeed
