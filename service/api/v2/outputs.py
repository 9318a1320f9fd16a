"""What was read, as the protocol's tensors, and the response that holds them."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
from fastapi import Response
from numpy.typing import NDArray

from models.manifest import DIGITS, ModelCard
from service.api.bodies import OCTET_STREAM
from service.api.negotiation import JSON
from service.api.v2 import contract
from service.api.v2.answer_schemas import BinarySize, InferAnswer, ResponseOutput
from service.api.v2.body import HEADER_LENGTH
from service.api.v2.request import Inference, WantedOutput
from service.inference.digits import Reading

NO_DIGIT = -1

Tensor = NDArray[np.float32] | NDArray[np.int64] | NDArray[np.bytes_]


_VALUES: Mapping[str, Callable[[Sequence[Reading]], Tensor]] = {
    contract.LOGITS.name: lambda readings: np.array(
        [reading.logits for reading in readings], np.float32
    ).reshape(-1, DIGITS),
    contract.PROBABILITIES.name: lambda readings: np.array(
        [reading.answer.probabilities for reading in readings], np.float32
    ).reshape(-1, DIGITS),
    contract.DIGIT.name: lambda readings: np.array(
        [
            NO_DIGIT if reading.answer.digit is None else reading.answer.digit
            for reading in readings
        ],
        np.int64,
    ),
    contract.CONFIDENCE.name: lambda readings: np.array(
        [reading.answer.confidence for reading in readings], np.float32
    ),
    contract.DECISION.name: lambda readings: np.array(
        [reading.answer.decision for reading in readings], np.bytes_
    ),
}


def write(inference: Inference, card: ModelCard, readings: Sequence[Reading]) -> Response:
    """The response to `inference`: JSON, with the binary outputs after it if there are any."""
    outputs, binary = [], []
    for wanted in inference.outputs:
        values = _VALUES[wanted.tensor.name](readings)
        content = _little_endian(values) if wanted.binary else None
        outputs.append(_output(wanted, values, content))
        binary += [content] if content is not None else []
    answer = InferAnswer(
        model_name=card.name, model_version=card.version, id=inference.id, outputs=tuple(outputs)
    )
    header = answer.model_dump_json().encode()
    if not binary:
        return Response(header, media_type=JSON)
    return Response(
        b"".join([header, *binary]),
        headers={HEADER_LENGTH: str(len(header))},
        media_type=OCTET_STREAM,
    )


def _output(wanted: WantedOutput, values: Tensor, content: bytes | None) -> ResponseOutput:
    texts = values.astype(np.str_) if values.dtype.kind == "S" else values
    return ResponseOutput(
        name=wanted.tensor.name,
        datatype=wanted.tensor.datatype,
        shape=values.shape,
        parameters=None if content is None else BinarySize(binary_data_size=len(content)),
        data=texts.ravel().tolist() if content is None else None,
    )


def _little_endian(values: Tensor) -> bytes:
    if values.dtype.kind == "S":
        texts = cast("list[bytes]", values.tolist())
        return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
