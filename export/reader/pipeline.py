"""The export of a reader, from the Keras model to the published model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from export.convert import OPSET
from export.provenance import check_held_out, provenance_of
from export.publish import Exported
from export.reader import calibrate
from export.reader.convert import convert, in_eight_bits
from export.reader.measure import are_equal, evaluate, measure_speed
from export.reader.read import Outputs, hypotheses
from export.reader.read import run as run_onnx
from export.reader.verify import verify, verify_contract
from models.error_rates import select
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
from models.strips import Grey
from training.data import Mnist
from training.reader.amounts import Amount, hold_out
from training.reader.architecture import TITLE
from training.reader.cells import NO_CELLS, Cells
from training.reader.samples import Sample
from training.reader.texts import only_digits
from training.reader.validate import validation_sets
from training.runs import Run

COMPOSED = 3_000  # strips of each kind to fit on, and as many to measure on
_FIT_SEED, _MEASURE_SEED, _RANGE_SEED = 21, 22, 23
_VERIFIED = 32  # strips
_RANGES = 200  # strips of each kind, for the ranges of 8-bit values

# An 8-bit reader replaces the one of 32 bits if it is nearly as accurate on held-out strips.
_MAX_ACCURACY_LOSS = 0.003


@dataclass(frozen=True)
class _Kind:
    """Held-out strips of one kind, and the outputs of the reader."""

    samples: list[Sample]
    outputs: list[Outputs]

    @property
    def written(self) -> list[str]:
        return [only_digits(sample.text) for sample in self.samples]

    def judged(self) -> calibrate.Kind:
        read = hypotheses(self.outputs)
        return calibrate.Kind(read, are_equal(_said(read), self.written))

    def read_by_length(self) -> list[str]:
        written = self.written
        return _said(
            hypotheses(self.outputs, lambda place: Constraints(length=len(written[place])))
        )


def export_reader(
    run: Run,
    mnist: Mnist,
    amounts: Sequence[Amount],
    cells: Cells = NO_CELLS,
    *,
    composed: int = COMPOSED,
    eight_bits: bool = True,
) -> Exported:
    """Export the reader of `run`, calibrated on real strips and `composed` ones of each kind.

    Temperature, confidence and thresholds come from digits, amounts and cells held out of training;
    test digits are not used. With `eight_bits` it is quantised if that costs no accuracy.

    Raises:
        RunError: the run has not finished, or was trained on other amounts or cells.
        VerificationError: the exported graph does not answer like the Keras model.
    """
    model = run.load_model()
    train, held_out = hold_out(list(amounts))
    check_held_out(run, len(held_out) + len(cells.held_out), "amounts and cells")
    provenance = provenance_of(run.config())
    ranges: dict[str, list[Sample]] = {}
    if eight_bits:
        count = min(composed, _RANGES)
        digits, _ = mnist.well_labelled()
        ranges = validation_sets(digits, train, cells.train[:count], count, seed=_RANGE_SEED)
    return export_model(
        model,
        provenance,
        mnist,
        held_out,
        cells.held_out,
        composed=composed,
        ranges=[sample.pixels for samples in ranges.values() for sample in samples],
    )


def export_model(
    model: keras.Model,
    provenance: TrainingRun,
    mnist: Mnist,
    held_out: Sequence[Amount],
    held_out_cells: Sequence[Amount] = (),
    *,
    composed: int = COMPOSED,
    ranges: Sequence[Grey] = (),
) -> Exported:
    """Export a trained reader; what is held out was not used for training.

    With `ranges`, strips from training, it is quantised to 8 bits if that costs no accuracy.

    Raises:
        VerificationError: the exported graph does not answer like the Keras model.
    """
    _, digits = mnist.well_labelled()
    sets = [
        validation_sets(digits, held_out, held_out_cells, composed, seed=seed)
        for seed in (_FIT_SEED, _MEASURE_SEED)
    ]
    real = {kind: sets[0][kind] for kind in ("amounts", "cells") if sets[0][kind]}
    to_fit, to_measure = ([*s["composed"], *s["zip_codes"]] for s in sets)
    fitted = [*to_fit, *(sample for samples in real.values() for sample in samples)]
    metadata = {"model": model.name, "training": provenance.model_dump_json()}
    uncalibrated = convert(model).SerializeToString()
    logits = [o.logits for o in run_onnx(uncalibrated, _pixels(fitted))]
    temperature = calibrate.fit_temperature(logits, fitted)
    graph = convert(model, temperature=temperature, metadata=metadata)
    verify(graph, model, _pixels(fitted)[:_VERIFIED], temperature=temperature)
    title, content = TITLE, graph.SerializeToString(deterministic=True)
    if ranges:
        small = in_eight_bits(graph, ranges)
        verify_contract(small, f"{model.name}, eight bits")
        small_content = small.SerializeToString(deterministic=True)
        loss = _accuracy(content, fitted) - _accuracy(small_content, fitted)
        if loss <= _MAX_ACCURACY_LOSS:
            title, content = f"{TITLE}, 8 bits", small_content
    rule, evaluations, points = _calibrated(
        {kind: _kind(content, samples) for kind, samples in real.items()},
        _kind(content, to_fit),
        _kind(content, to_measure),
    )
    sha256 = sha256_of(content)
    card = ReaderCard(
        name=model.name,
        title=title,
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
    real: Mapping[str, _Kind], to_fit: _Kind, to_measure: _Kind
) -> tuple[ConfidenceRule, FieldEvaluations, tuple[FieldOperatingPoint, ...]]:
    fitted, measured = to_fit.judged(), to_measure.judged()
    found = {name: kind.judged() for name, kind in real.items()}
    rule = calibrate.fit_on([*found.values(), fitted])
    # No real strip may be judged by a rule that was fitted on it.
    sure = {
        name: calibrate.out_of_fold(
            kind, [fitted, *(other for other in found.values() if other is not kind)]
        )
        for name, kind in found.items()
    }
    sure["composed"] = calibrate.confidence_of(measured.read, rule)
    kinds, read = {**real, "composed": to_measure}, {**found, "composed": measured}
    evaluations = {
        name: evaluate(_said(read[name].read), kind.read_by_length(), kind.written, sure[name])
        for name, kind in kinds.items()
    }
    judged = {name: calibrate.Judged(sure[name], read[name].right) for name in kinds}
    return rule, FieldEvaluations(**evaluations), tuple(_points(judged))


def _points(judged: Mapping[str, calibrate.Judged]) -> Iterator[FieldOperatingPoint]:
    real = [one for name, one in judged.items() if name != "composed"]
    for max_error in calibrate.MAX_ERRORS:
        threshold = calibrate.choose(judged["composed"], real, max_error)
        selections = {name: select(*one, threshold) for name, one in judged.items()}
        yield FieldOperatingPoint(
            max_error=max_error,
            threshold=threshold,
            shown_on=tuple(
                name for name, one in selections.items() if one.error_rate_bound <= max_error
            ),
            held_out=FieldSelections(**selections),
        )


def _kind(content: bytes, samples: list[Sample]) -> _Kind:
    return _Kind(samples, run_onnx(content, _pixels(samples)))


def _accuracy(content: bytes, samples: list[Sample]) -> float:
    return float(np.mean(_kind(content, samples).judged().right))


def _pixels(samples: Sequence[Sample]) -> list[np.ndarray]:
    return [sample.pixels for sample in samples]


def _said(read: Sequence[Sequence[Hypothesis]]) -> list[str]:
    return [strip[0].text if strip else "" for strip in read]
