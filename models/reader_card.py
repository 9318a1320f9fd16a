"""Manifest entry of a field reader."""

from pydantic import Field

from models.records import Card, Count, Interval, Point, Rate, Record, Reliability, Selection

# Names of the kinds of strips, for people.
KINDS = {"amounts": "real amounts", "cells": "real cells", "composed": "composed strips"}


class FieldEvaluation(Record):
    """Measurements of the exported file on strips of one kind, through ONNX Runtime."""

    strips: Count
    correct: Count = Field(description="Strips whose digits were read without a mistake.")
    accuracy: Rate
    accuracy_interval: Interval
    correct_length_known: Count = Field(description="The same with the length given.")
    accuracy_length_known: Rate
    digit_error_rate: float = Field(ge=0.0, description="Edit distance per written digit.")
    reliability: Reliability = Field(description="Of the confidence of whole strips.")


class FieldEvaluations(Record):
    """Results on held-out strips."""

    amounts: FieldEvaluation = Field(description="Real amounts of cheques.")
    cells: FieldEvaluation | None = Field(
        default=None,
        description="Real numbers in cells of logbooks; null if there was no training on them.",
    )
    composed: FieldEvaluation = Field(description="Strips composed of held-out MNIST digits.")

    def by_kind(self) -> dict[str, FieldEvaluation]:
        """Return the results on each kind that was measured, by name."""
        return {kind: one for kind, one in self if one is not None}


class ConfidenceRule(Record):
    """Logistic regression from the hypotheses of a strip to its confidence."""

    intercept: float
    probability: float = Field(description="Weight of the log-odds of the best text.")
    margin: float = Field(description="Weight of its log-odds against the second best.")
    weakest: float = Field(description="Weight of the log-odds of its least probable digit.")


class FieldSelections(Record):
    """Effect of a threshold on held-out strips, by kind."""

    amounts: Selection
    cells: Selection | None = None
    composed: Selection

    def by_kind(self) -> dict[str, Selection]:
        """Return the effect on each kind that was measured, by name."""
        return {kind: one for kind, one in self if one is not None}


class FieldOperatingPoint(Point):
    """A threshold on the confidence of whole strips.

    `shown_on` names the kinds of strips for which the error rate among accepted ones was shown to
    be below `max_error` with 95% confidence. Of other kinds there are too few strips to show it;
    they do not contradict it.
    `threshold` is null if it was shown for no kind: such a point accepts nothing.
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
    """One published field reader."""

    temperature: float = Field(gt=0.0, description="Divides the logits inside the graph.")
    confidence: ConfidenceRule
    held_out: FieldEvaluations
    speed: FieldSpeed
