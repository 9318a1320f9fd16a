"""Strips of bars, and a field reader that reads them without mistakes."""

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.manifest import sha256_of, version_of
from models.reader_card import (
    ConfidenceRule,
    FieldEvaluation,
    FieldEvaluations,
    FieldOperatingPoint,
    FieldSelections,
    FieldSpeed,
    ReaderCard,
)
from models.records import Interval, Reliability, Selection, TrainingRun
from models.strips import CLASSES, HEIGHT, PAPER, STRIDE, SYMBOLS

# A symbol is a bar, with its height in twelfths of the strip. "#" is full, so that its strip has no
# margin to remove. "?" is between 3 and 4, and "!" between "/" and 1.
_TWELFTHS = (
    {str(digit): 1 + digit for digit in range(10)}
    | {"#": 12, "?": 4.5, "!": 1.75, "/": 1.5}
    | {".": 2.5, ",": 3.5, "-": 5.5, "=": 6.5, "_": 7.5, "$": 8.5, "*": 9.5, "x": 11}
)
_NEVER = 99


UNTRAINED = TrainingRun(
    recipe="none",
    settings={},
    seed=0,
    epochs=0,
    batch_size=1,
    train_images=0,
    validation_images=0,
)


def bars(
    text: str, *, height: int = HEIGHT, suffix: str = ".png", light_ink: bool = False
) -> bytes:
    """Draw `text` as an image file; start with "#" to fix the scale of the bars."""
    scale = height // HEIGHT
    strip = np.full((HEIGHT, 16 * len(text) + 16), 230, np.uint8)
    for place, symbol in enumerate(text):
        if symbol != " ":
            rows = round(_TWELFTHS[symbol] * HEIGHT / 12)
            strip[:rows, 16 * place + 8 : 16 * place + 16] = 20
    strip = np.kron(strip, np.ones((scale, scale), np.uint8))
    return cv2.imencode(suffix, 255 - strip if light_ink else strip)[1].tobytes()


def log_probabilities(*says: str, certainty: float = 0.9) -> NDArray[np.float32]:
    """Log-probabilities of a strip; a string a step, whose symbols share `certainty` 60 to 40."""
    probabilities = np.full((len(says), CLASSES), (1 - certainty) / CLASSES)
    for step, symbols in zip(probabilities, says, strict=True):
        shares = [0.6, 0.4] if len(symbols) == 2 else [1.0]
        for symbol, share in zip(symbols, shares, strict=True):
            step[0 if symbol == " " else 1 + SYMBOLS.index(symbol)] += certainty * share
    return np.log(probabilities).astype(np.float32)


def publish_reader(folder: Path, **changes: object) -> ReaderCard:
    """Add a reader of bars to the models in `folder`, with `changes` of its card."""
    content = _reader()
    (folder / "reader.onnx").write_bytes(content)
    card = bars_card(sha256_of(content)).model_copy(update=changes)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["readers"] = [card.model_dump(mode="json")]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return card


def _reader() -> bytes:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    centres = [0.0, *(float(_TWELFTHS.get(symbol, _NEVER)) for symbol in SYMBOLS)]
    constants = {
        "paper": np.float32(PAPER),
        "twelfth": np.float32((PAPER - 32) / 12),
        "centres": np.array(centres, np.float32).reshape(1, 1, CLASSES),
        "sharpness": np.float32(-160.0),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["paper", "grey"], ["ink"]),
        helper.make_node("ReduceMean", ["ink"], ["rows"], axes=[1], keepdims=1),
        helper.make_node(
            "AveragePool", ["rows"], ["pooled"], kernel_shape=[STRIDE], strides=[STRIDE]
        ),
        helper.make_node("Transpose", ["pooled"], ["steps"], perm=[0, 2, 1]),
        helper.make_node("Div", ["steps", "twelfth"], ["twelfths"]),
        helper.make_node("Sub", ["twelfths", "centres"], ["distances"]),
        helper.make_node("Mul", ["distances", "distances"], ["squares"]),
        helper.make_node("Mul", ["squares", "sharpness"], ["logits"]),
        helper.make_node("LogSoftmax", ["logits"], ["log_probabilities"], axis=2),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", HEIGHT, "width"])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "steps", CLASSES])
        for name in ("logits", "log_probabilities")
    ]
    initializers = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "bars", [image], outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def bars_card(sha256: str = 64 * "0") -> ReaderCard:
    """Return the card of a reader of bars."""
    evaluation = FieldEvaluation(
        strips=1,
        correct=1,
        accuracy=1,
        accuracy_interval=Interval(low=0.2, high=1),
        correct_length_known=1,
        accuracy_length_known=1,
        digit_error_rate=0,
        reliability=Reliability(nll=0, ece=0, bins=()),
    )
    selection = Selection(
        images=1, accepted=1, errors=0, read_rate=1, error_rate=0, error_rate_bound=0.95
    )
    points = [
        FieldOperatingPoint(
            max_error=max_error,
            threshold=threshold,
            shown_on=("composed",) if threshold else (),
            held_out=FieldSelections(amounts=selection, composed=selection),
        )
        for max_error, threshold in ((0.01, 0.9), (0.005, None))
    ]
    return ReaderCard(
        name="reader",
        title="Bars",
        version=version_of(sha256),
        architecture="bars",
        parameters=0,
        file="reader.onnx",
        sha256=sha256,
        opset=17,
        training=UNTRAINED,
        temperature=1,
        confidence=ConfidenceRule(intercept=0, probability=1, margin=0, weakest=0),
        held_out=FieldEvaluations(amounts=evaluation, composed=evaluation),
        speed=FieldSpeed(hardware="none", width=256, latency_ms=1, strips_per_second=1),
        operating_points=tuple(points),
    )
