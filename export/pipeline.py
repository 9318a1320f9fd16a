"""The export of a training run, from the Keras model to the published models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from export.calibrate import choose_entropy, choose_thresholds
from export.convert import OPSET, convert
from export.measure import calibration, evaluate, without_outliers
from export.provenance import check_held_out, provenance_of
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
from training.data import Mnist
from training.recipes import BASELINE
from training.runs import Run
from training.study import Finding

Build = Callable[[float], onnx.ModelProto]  # from a temperature

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

    Raises:
        RunError: the run has not finished, or was trained on other data.
        VerificationError: the exported graph does not answer like the Keras model.
    """
    config = run.config()
    model = run.load_model()
    train, held_out = mnist.hold_out()
    check_held_out(run, len(held_out), "images")
    provenance = provenance_of(config)
    metadata = {"model": config.model, "training": provenance.model_dump_json()}

    def as_trained(temperature: float) -> onnx.ModelProto:
        return convert(model, temperature=temperature, metadata=metadata)

    def in_eight_bits(temperature: float) -> onnx.ModelProto:
        return quantise(as_trained(temperature), train.images)

    def exported(candidate: _Candidate, *, quantised: bool) -> Exported:
        name = f"{config.model}-int8" if quantised else config.model
        title = architectures.architecture(config.model).TITLE
        sha256 = sha256_of(candidate.content)
        outliers = _outliers(candidate)
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

    full = _candidate(as_trained, held_out, mnist.test)
    verify(full.graph, model, mnist.test.images, temperature=full.temperature)
    models = [exported(full, quantised=False)]
    if eight_bits:
        small = _candidate(in_eight_bits, held_out, mnist.test)
        verify_contract(small.graph, f"{config.model}, eight bits")
        if _is_worth_it(small, full, held_out):
            models.append(exported(small, quantised=True))
    return models


def _candidate(build: Build, held_out: Digits, test: Digits) -> _Candidate:
    logits = run_onnx(build(1.0).SerializeToString(), held_out.images).logits
    temperature = fit_temperature(logits, held_out.labels)
    graph = build(temperature)
    content = graph.SerializeToString(deterministic=True)
    return _Candidate(
        graph=graph,
        content=content,
        temperature=temperature,
        held_out=run_onnx(content, held_out.images),
        test=run_onnx(content, test.images),
        speed=measure_speed(content, held_out.images),
    )


def _operating_points(
    candidate: _Candidate, outliers: OutlierRule, held_out: Digits, test: Digits
) -> tuple[OperatingPoint, ...]:
    confidences, test_confidences = (
        without_outliers(outputs, outliers.entropy)
        for outputs in (candidate.held_out, candidate.test)
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


def _outliers(candidate: _Candidate) -> OutlierRule:
    limit = choose_entropy(candidate.held_out.entropies)
    return OutlierRule(
        entropy=limit,
        held_out=float(np.mean(candidate.held_out.entropies > limit)),
        test=float(np.mean(candidate.test.entropies > limit)),
    )


def _is_worth_it(small: _Candidate, full: _Candidate, held_out: Digits) -> bool:
    def accuracy(candidate: _Candidate) -> float:
        return float(np.mean(candidate.held_out.answers == held_out.labels))

    faster = (
        small.speed.latency_ms * _MIN_SPEED_UP <= full.speed.latency_ms
        and small.speed.images_per_second >= full.speed.images_per_second * _MIN_SPEED_UP
    )
    return faster and accuracy(small) >= accuracy(full) - _MAX_ACCURACY_LOSS
