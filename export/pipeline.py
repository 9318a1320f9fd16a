"""The export of a training run, from the Keras model to the published models."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import onnx

from export.calibrate import choose_entropy, choose_thresholds
from export.convert import OPSET, convert, has_outlier
from export.folds import Convert, answers_of, held_out_by, judges_of
from export.measure import are_outliers, calibration, evaluate, without_outliers
from export.provenance import provenance_of
from export.publish import Exported
from export.quantise import in_batches, quantise
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
from training.data import Mnist
from training.recipes import BASELINE
from training.runs import Run
from training.study import Finding

# A quantised variant is published only if it is that much faster, and nearly as accurate on the
# held-out images.
_MIN_SPEED_UP = 1.1
_MAX_ACCURACY_LOSS = 0.0005


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
    Those of a run that learnt from everything are held out by its folds, see `judges_of`.

    Raises:
        RunError: the run or a fold of it has not finished, or was trained on other data.
        VerificationError: the exported graph does not answer like the Keras model.
    """
    config = run.config()
    model = run.load_model()
    judges = judges_of(run, mnist)
    train = mnist.train if config.everything else judges[0].train
    held_out = held_out_by(judges)
    provenance = provenance_of(config, folds=len(judges) if config.everything else None)
    metadata = {"model": config.model, "training": provenance.model_dump_json()}

    def as_trained(model: keras.Model, temperature: float, _: Digits) -> onnx.ModelProto:
        return convert(model, temperature=temperature, metadata=metadata)

    def in_eight_bits(model: keras.Model, temperature: float, train: Digits) -> onnx.ModelProto:
        full = convert(model, temperature=temperature, metadata=metadata)
        return quantise(full, in_batches(train.images))

    def candidate(converted: Convert) -> _Candidate:
        pooled = answers_of(judges, converted)
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
