"""The export of a training run, from the Keras model to the published models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import onnx

from export.calibrate import choose_entropy, choose_thresholds
from export.convert import OPSET, convert, has_outlier
from export.measure import are_outliers, calibration, evaluate, without_outliers
from export.provenance import check_held_out, folds_of, provenance_of
from export.publish import Exported
from export.quantise import quantise
from export.runtime import Outputs
from export.runtime import run as run_onnx
from export.speed import measure_speed
from export.verify import verify, verify_contract
from models.error_rates import fit_temperature, select
from models.manifest import (
    ModelCard,
    OperatingPoint,
    OutlierRule,
    Speed,
    StudyResult,
    sha256_of,
    version_of,
)
from models.mnist import Digits
from training import architectures
from training.data import Mnist, joined
from training.folds import Fold
from training.recipes import BASELINE
from training.runs import Run, RunError
from training.study import Finding

Convert = Callable[[keras.Model, float, Digits], onnx.ModelProto]  # temperature, training images

# A quantised variant is published only if it is that much faster, and nearly as accurate on the
# held-out images.
_MIN_SPEED_UP = 1.1
_MAX_ACCURACY_LOSS = 0.0005


@dataclass(frozen=True)
class _Fold:
    """A network, what it learnt from, and digits of writers that it has not seen."""

    model: keras.Model
    train: Digits
    held_out: Digits


@dataclass(frozen=True)
class _Candidate:
    """A calibrated graph, and its outputs for the held-out and the test images."""

    graph: onnx.ModelProto
    content: bytes
    temperature: float
    held_out: Outputs
    test: Outputs
    speed: Speed


def export_run(
    run: Run, mnist: Mnist, study: Sequence[Finding] = (), *, eight_bits: bool = True
) -> list[Exported]:
    """Export `run`: the model as trained, and with `eight_bits` a quantised one if worthwhile.

    The held-out images choose temperature, thresholds and variants; the test images only measure.
    For a run that learnt from all training images, these are held out by its folds: networks of
    the same recipe answer for the writers that they have not seen. They learnt from fewer images,
    so the thresholds err on the safe side; calibrated is the recipe, not this one network.

    Raises:
        RunError: the run or a fold of it has not finished, or was trained on other data.
        VerificationError: the exported graph does not answer like the Keras model.
    """
    config = run.config()
    model = run.load_model()
    folds = _folds(run, model, mnist)
    train = mnist.train if config.everything else folds[0].train
    held_out = joined(*(fold.held_out for fold in folds))
    provenance = provenance_of(config, folds=len(folds) if config.everything else None)
    metadata = {"model": config.model, "training": provenance.model_dump_json()}

    def as_trained(model: keras.Model, temperature: float, _: Digits) -> onnx.ModelProto:
        return convert(model, temperature=temperature, metadata=metadata)

    def in_eight_bits(model: keras.Model, temperature: float, train: Digits) -> onnx.ModelProto:
        return quantise(convert(model, temperature=temperature, metadata=metadata), train.images)

    def candidate(converted: Convert) -> _Candidate:
        parts = [
            run_onnx(
                converted(fold.model, 1.0, fold.train).SerializeToString(), fold.held_out.images
            )
            for fold in folds
        ]
        pooled = Outputs.pooled(parts)
        temperature = fit_temperature(pooled.logits, held_out.labels)
        graph = converted(model, temperature, train)
        content = graph.SerializeToString(deterministic=True)
        return _Candidate(
            graph=graph,
            content=content,
            temperature=temperature,
            held_out=pooled.at(temperature),
            test=run_onnx(content, mnist.test.images),
            speed=measure_speed(content, mnist.test.images),
        )

    def exported(candidate: _Candidate, *, quantised: bool) -> Exported:
        name = f"{config.model}-int8" if quantised else config.model
        title = architectures.architecture(config.model).TITLE
        sha256 = sha256_of(candidate.content)
        outliers = _outliers(candidate, scored=has_outlier(model))
        card = ModelCard(
            name=name,
            title=f"{title}, 8 bits" if quantised else title,
            version=version_of(sha256),
            architecture=config.model,
            parameters=model.count_params(),
            file=f"{name}.onnx",
            sha256=sha256,
            opset=OPSET,
            quantised=quantised,
            training=provenance,
            test=evaluate(candidate.test, mnist.test.labels),
            calibration=calibration(candidate.test, mnist.test.labels, candidate.temperature),
            speed=candidate.speed,
            outliers=outliers,
            operating_points=_operating_points(candidate, outliers, held_out, mnist.test),
            study=tuple(
                StudyResult.model_validate(finding, from_attributes=True)
                for finding in study
                if finding.model == config.model
                and finding.recipe == BASELINE.name
                and not quantised
            ),
        )
        return Exported(card, candidate.content)

    full = candidate(as_trained)
    verify(full.graph, model, mnist.test.images, temperature=full.temperature)
    models = [exported(full, quantised=False)]
    if eight_bits:
        small = candidate(in_eight_bits)
        verify_contract(small.graph, f"{config.model}, eight bits")
        if _is_worth_it(small, full, held_out):
            models.append(exported(small, quantised=True))
    return models


def _folds(run: Run, model: keras.Model, mnist: Mnist) -> list[_Fold]:
    if not run.config().everything:
        train, held_out = mnist.hold_out()
        check_held_out(run, len(held_out), "images")
        return [_Fold(model, train, held_out)]
    if mnist.writers is None:
        raise RunError(f"{run.folder}: is calibrated by writer; the writers are missing")
    folds = []
    for fold_run in folds_of(run):
        learnt, held_out = Fold.parse(fold_run.config().fold or "").split(mnist.writers)
        check_held_out(fold_run, len(held_out), "images")
        folds.append(_Fold(fold_run.load_model(), mnist.train[learnt], mnist.train[held_out]))
    return folds


def _operating_points(
    candidate: _Candidate, outliers: OutlierRule, held_out: Digits, test: Digits
) -> tuple[OperatingPoint, ...]:
    confidences, test_confidences = (
        without_outliers(outputs, outliers) for outputs in (candidate.held_out, candidate.test)
    )
    correct = candidate.held_out.answers == held_out.labels
    test_correct = candidate.test.answers == test.labels
    return tuple(
        OperatingPoint(
            max_error=max_error,
            threshold=threshold,
            held_out=select(confidences, correct, threshold),
            test=select(test_confidences, test_correct, threshold),
        )
        for max_error, threshold in choose_thresholds(confidences, correct).items()
    )


def _outliers(candidate: _Candidate, *, scored: bool) -> OutlierRule:
    rule = OutlierRule(
        entropy=choose_entropy(candidate.held_out.entropies),
        scored=scored,
        held_out=0,
        test=0,
    )
    shares = {
        "held_out": float(np.mean(are_outliers(candidate.held_out, rule))),
        "test": float(np.mean(are_outliers(candidate.test, rule))),
    }
    return rule.model_copy(update=shares)


def _is_worth_it(small: _Candidate, full: _Candidate, held_out: Digits) -> bool:
    def accuracy(candidate: _Candidate) -> float:
        return float(np.mean(candidate.held_out.answers == held_out.labels))

    faster = (
        small.speed.latency_ms * _MIN_SPEED_UP <= full.speed.latency_ms
        and small.speed.images_per_second >= full.speed.images_per_second * _MIN_SPEED_UP
    )
    return faster and accuracy(small) >= accuracy(full) - _MAX_ACCURACY_LOSS
