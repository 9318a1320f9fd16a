"""One run through all the steps, from the Keras model to what is published."""

from dataclasses import asdict

from export.calibrate import choose_thresholds, fit_temperature
from export.convert import OPSET, convert
from export.measure import evaluate, select
from export.publish import Exported
from export.runtime import run as run_onnx
from export.verify import verify
from models.manifest import ModelCard, OperatingPoint, TrainingRun, sha256_of, version_of
from training import architectures
from training.data import Mnist
from training.runs import Run


def export_run(run: Run, mnist: Mnist) -> Exported:
    """Convert, verify, calibrate and measure the model of `run`.

    Temperature and thresholds come from the images held out of training; the test images measure.

    Raises:
        RunError: the run has not finished.
        VerificationError: the exported graph does not answer as the Keras model does.
    """
    config = run.config()
    model = run.load_model()
    _, held_out = mnist.hold_out()

    uncalibrated = run_onnx(convert(model).SerializeToString(), held_out.images)
    temperature = fit_temperature(uncalibrated.logits, held_out.labels)
    metadata = {key: str(value) for key, value in asdict(config).items()}
    exported = convert(model, temperature=temperature, metadata=metadata)
    verify(exported, model, mnist.test.images)

    content = exported.SerializeToString(deterministic=True)
    on_held_out = run_onnx(content, held_out.images)
    on_test = run_onnx(content, mnist.test.images)
    thresholds = choose_thresholds(on_held_out.confidences, on_held_out.answers == held_out.labels)
    sha256 = sha256_of(content)
    card = ModelCard(
        name=config.model,
        title=architectures.architecture(config.model).TITLE,
        version=version_of(sha256),
        architecture=config.model,
        parameters=model.count_params(),
        file=f"{config.model}.onnx",
        sha256=sha256,
        opset=OPSET,
        temperature=temperature,
        training=TrainingRun.model_validate(config, from_attributes=True),
        test=evaluate(on_test, mnist.test.labels),
        operating_points=tuple(
            OperatingPoint(
                max_error=max_error,
                threshold=threshold,
                held_out=select(on_held_out, held_out.labels, threshold),
                test=select(on_test, mnist.test.labels, threshold),
            )
            for max_error, threshold in thresholds.items()
        ),
    )
    return Exported(card, content)
