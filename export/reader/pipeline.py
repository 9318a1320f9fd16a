"""The export of a reader, from the Keras model to the published model."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from export.convert import OPSET
from export.provenance import check_held_out, provenance_of
from export.publish import Exported
from export.reader import calibrate
from export.reader.convert import convert
from export.reader.measure import are_equal, evaluate, measure_speed
from export.reader.read import Outputs, hypotheses
from export.reader.read import run as run_onnx
from export.reader.verify import verify
from models.error_rates import Confidences, Correct, select
from models.fields.constraints import Constraints
from models.fields.decode import Hypothesis
from models.manifest import sha256_of, version_of
from models.reader_card import (
    ConfidenceRule,
    FieldEvaluations,
    FieldOperatingPoint,
    FieldSelections,
    ReaderCard,
)
from models.records import TrainingRun
from training.data import Mnist
from training.reader.amounts import Amount, hold_out
from training.reader.architecture import TITLE
from training.reader.samples import Sample
from training.reader.texts import only_digits
from training.reader.validate import validation_sets
from training.runs import Run

COMPOSED = 3_000  # strips of each kind to fit on, and as many to measure on
_FIT_SEED, _MEASURE_SEED = 21, 22
_VERIFIED = 32  # strips


@dataclass(frozen=True)
class _Kind:
    """Held-out strips of one kind, and the outputs of the reader."""

    samples: list[Sample]
    outputs: list[Outputs]

    @property
    def written(self) -> list[str]:
        return [only_digits(sample.text) for sample in self.samples]

    def read(self) -> list[list[Hypothesis]]:
        return hypotheses(self.outputs)

    def read_by_length(self) -> list[str]:
        written = self.written
        return _said(
            hypotheses(self.outputs, lambda place: Constraints(length=len(written[place])))
        )


def export_reader(
    run: Run, mnist: Mnist, amounts: Sequence[Amount], *, composed: int = COMPOSED
) -> Exported:
    """Export the reader of `run`, calibrated on real amounts and `composed` strips of each kind.

    Temperature, confidence and thresholds come from digits and amounts held out of training; test
    digits are not used.

    Raises:
        RunError: the run has not finished, or was trained on other amounts.
        VerificationError: the exported graph does not answer like the Keras model.
    """
    model = run.load_model()
    _, held_out = hold_out(list(amounts))
    check_held_out(run, len(held_out), "amounts")
    provenance = provenance_of(run.config())
    return export_model(model, provenance, mnist, held_out, composed=composed)


def export_model(
    model: keras.Model,
    provenance: TrainingRun,
    mnist: Mnist,
    held_out: Sequence[Amount],
    *,
    composed: int = COMPOSED,
) -> Exported:
    """Export a trained reader; `held_out` amounts were not used for training.

    Raises:
        VerificationError: the exported graph does not answer like the Keras model.
    """
    _, digits = mnist.hold_out()
    sets = [
        validation_sets(digits, held_out, composed, seed=seed)
        for seed in (_FIT_SEED, _MEASURE_SEED)
    ]
    real = sets[0]["amounts"]
    to_fit, to_measure = ([*s["composed"], *s["zip_codes"]] for s in sets)
    metadata = {"model": model.name, "training": provenance.model_dump_json()}
    uncalibrated = convert(model).SerializeToString()
    logits = [o.logits for o in run_onnx(uncalibrated, _pixels([*real, *to_fit]))]
    temperature = calibrate.fit_temperature(logits, [*real, *to_fit])
    graph = convert(model, temperature=temperature, metadata=metadata)
    verify(graph, model, _pixels([*real, *to_fit])[:_VERIFIED], temperature=temperature)
    content = graph.SerializeToString(deterministic=True)
    kinds = (_kind(content, real), _kind(content, to_fit), _kind(content, to_measure))
    rule, evaluations, points = _calibrated(*kinds)
    sha256 = sha256_of(content)
    card = ReaderCard(
        name=model.name,
        title=TITLE,
        version=version_of(sha256),
        architecture=model.name,
        parameters=model.count_params(),
        file=f"{model.name}.onnx",
        sha256=sha256,
        opset=OPSET,
        training=provenance,
        temperature=temperature,
        confidence=rule,
        held_out=evaluations,
        speed=measure_speed(content),
        operating_points=points,
    )
    return Exported(card, content)


def _calibrated(
    amounts: _Kind, to_fit: _Kind, to_measure: _Kind
) -> tuple[ConfidenceRule, FieldEvaluations, tuple[FieldOperatingPoint, ...]]:
    read, fitted, measured = amounts.read(), to_fit.read(), to_measure.read()
    right, fitted_right, measured_right = (
        are_equal(_said(found), kind.written)
        for found, kind in ((read, amounts), (fitted, to_fit), (measured, to_measure))
    )
    rule = calibrate.fit_on_both(read, right, fitted, fitted_right)
    # No real amount may be judged by a rule that was fitted on it.
    sure = calibrate.out_of_fold(read, right, fitted, fitted_right)
    measured_sure = calibrate.confidence_of(measured, rule)
    evaluations = FieldEvaluations(
        amounts=evaluate(_said(read), amounts.read_by_length(), amounts.written, sure),
        composed=evaluate(
            _said(measured), to_measure.read_by_length(), to_measure.written, measured_sure
        ),
    )
    return rule, evaluations, _points(measured_sure, measured_right, sure, right)


def _points(
    composed: Confidences, composed_right: Correct, amounts: Confidences, right: Correct
) -> tuple[FieldOperatingPoint, ...]:
    points = []
    for max_error in calibrate.MAX_ERRORS:
        threshold = calibrate.choose(composed, composed_right, amounts, right, max_error)
        selections = FieldSelections(
            amounts=select(amounts, right, threshold),
            composed=select(composed, composed_right, threshold),
        )
        points.append(
            FieldOperatingPoint(
                max_error=max_error,
                threshold=threshold,
                shown_on=tuple(
                    kind
                    for kind, selection in selections
                    if selection.error_rate_bound <= max_error
                ),
                held_out=selections,
            )
        )
    return tuple(points)


def _kind(content: bytes, samples: list[Sample]) -> _Kind:
    return _Kind(samples, run_onnx(content, _pixels(samples)))


def _pixels(samples: Sequence[Sample]) -> list[np.ndarray]:
    return [sample.pixels for sample in samples]


def _said(read: Sequence[Sequence[Hypothesis]]) -> list[str]:
    return [strip[0].text if strip else "" for strip in read]
