"""Tensors of the Open Inference Protocol: a body to images, readings to a response."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from math import prod
from typing import Any, NamedTuple, cast

import numpy as np
from fastapi import Response
from numpy.typing import NDArray
from pydantic import ValidationError

from models.manifest import DIGITS, IMAGE_SIDE, ModelCard
from service.api.formats import decode_base64, read_json
from service.errors import BatchTooLarge, InvalidItem, InvalidRequest, MalformedBody
from service.imaging import Normalised, UnreadableImage
from service.inference.digits import Content, DigitOptions, Outcome, Preprocess, Reading
from service.inference.sessions import Images
from service.v2.schemas import (
    BinarySize,
    Datatype,
    InferAnswer,
    InferParameters,
    InferRequest,
    RequestedOutput,
    RequestInput,
    ResponseOutput,
    TensorMetadata,
)
from service.validation import MAX_FAULTS, Fault

HEADER_LENGTH = "Inference-Header-Content-Length"

# A header with more digits is wrong, and `int` is slow for thousands.
_MAX_LENGTH_DIGITS = 15
# Names, shapes and parameters of a request: everything except the values of its tensor.
_MAX_OTHER_VALUES = 1000
# In binary BYTES tensors, every element follows its length as a little-endian uint32.
_LENGTH_BYTES = 4
_NO_DIGIT = -1
_ANY = -1  # the number of images


class Output(NamedTuple):
    """An output: its tensor, its value for a reading, and whether it is sent as binary data."""

    tensor: TensorMetadata
    value_of: Callable[[Reading], object]
    binary: bool = False


def _tensor(name: str, datatype: Datatype, *item_shape: int) -> TensorMetadata:
    return TensorMetadata(name=name, datatype=datatype, shape=(_ANY, *item_shape))


def _digit_of(reading: Reading) -> int:
    return _NO_DIGIT if reading.answer.digit is None else reading.answer.digit


IMAGE = _tensor("image", "UINT8", IMAGE_SIDE, IMAGE_SIDE)
IMAGE_BYTES = _tensor("image_bytes", "BYTES")
INPUTS = (IMAGE, IMAGE_BYTES)
OUTPUTS = (
    Output(_tensor("logits", "FP32", DIGITS), lambda reading: reading.logits),
    Output(_tensor("probabilities", "FP32", DIGITS), lambda reading: reading.answer.probabilities),
    Output(_tensor("digit", "INT64"), _digit_of),
    Output(_tensor("confidence", "FP32"), lambda reading: reading.answer.confidence),
    Output(_tensor("decision", "BYTES"), lambda reading: reading.answer.decision),
)
_OUTLIER = Output(_tensor("outlier", "FP32"), lambda reading: reading.outlier)
_DTYPES: dict[Datatype, str] = {"FP32": "<f4", "INT64": "<i8", "BYTES": "S"}


@dataclass(frozen=True, eq=False)
class Inference:
    """A parsed request."""

    id: str | None  # the client's id of the request
    parameters: InferParameters  # how to read the images
    content: Images | list[bytes]  # uint8 [N, 28, 28], used unchanged, or N image files
    outputs: tuple[Output, ...]  # the outputs to send, in order

    def options(self, model: str) -> DigitOptions:
        """Return the options for `model`."""
        preprocess = Preprocess(self.parameters.preprocess or Preprocess.AUTO)
        return DigitOptions(model, self.parameters.max_error, preprocess)

    def contents(self) -> Sequence[Content]:
        """Return the images for the engine: files, or images that are normalised already."""
        if isinstance(self.content, list):
            return self.content
        blank = (self.content.min(axis=(1, 2)) == self.content.max(axis=(1, 2))).tolist()
        return list(map(Normalised, self.content, blank))


def outputs_of(card: ModelCard) -> tuple[Output, ...]:
    """Return the outputs of a model: some models have `outlier` too."""
    return (*OUTPUTS, _OUTLIER) if card.outliers.scored else OUTPUTS


def parse(
    body: bytes,
    header_length: str | None,
    *,
    max_batch: int,
    available: tuple[Output, ...] = OUTPUTS,
) -> Inference:
    """Parse a request: `header_length` bytes of JSON and binary data, or JSON only.

    Raises:
        MalformedBody, InvalidRequest: it is not an `InferRequest` with the data that it describes.
        BatchTooLarge: it has more than `max_batch` images.
    """
    length = len(body) if header_length is None else _length(header_length, len(body))
    document = _load(body[:length], max_batch)
    inputs = document.get("inputs")
    tensors = inputs if isinstance(inputs, list) else []
    # Validating every pixel with pydantic would take seconds.
    data = [tensor.pop("data", None) for tensor in tensors if isinstance(tensor, dict)]
    if _size(document) > _MAX_OTHER_VALUES:
        what = f"has more than {_MAX_OTHER_VALUES} values besides the tensor's data"
        raise InvalidRequest.of("body", what)
    try:
        request = InferRequest.model_validate(document)
    except ValidationError as error:
        raise InvalidRequest.from_pydantic(
            error.errors(include_url=False, include_input=False)
        ) from error
    parameters = request.parameters or InferParameters()
    outputs = _outputs(request.outputs or (), available, binary=parameters.binary_data_output)
    content = _read_tensor(request.inputs[0], data[0], memoryview(body)[length:], max_batch)
    if parameters.preprocess == "auto" and not isinstance(content, list):
        what = "`image` is used unchanged; send `image_bytes` to have images normalised"
        raise InvalidRequest.of("parameters.preprocess", what)
    return Inference(request.id, parameters, content, outputs)


def readings_of(outcomes: Sequence[Outcome]) -> list[Reading]:
    """Return the readings if there is one for every image: the protocol has no partial answers.

    Raises:
        InvalidRequest: names the files that cannot be read.
    """
    unreadable = (
        Fault(where=f"{IMAGE_BYTES.name}[{index}]", what=str(outcome))
        for index, outcome in enumerate(outcomes)
        if isinstance(outcome, UnreadableImage)
    )
    if faults := list(islice(unreadable, MAX_FAULTS)):
        raise InvalidRequest(faults)
    return cast("list[Reading]", outcomes)


def write(inference: Inference, card: ModelCard, readings: Sequence[Reading]) -> Response:
    """Return the response: JSON, followed by the data of the binary outputs, if any."""
    outputs: list[ResponseOutput] = []
    binary: list[bytes] = []
    for tensor, value_of, is_binary in inference.outputs:
        values = np.array(list(map(value_of, readings)), _DTYPES[tensor.datatype])
        output = ResponseOutput(name=tensor.name, datatype=tensor.datatype, shape=values.shape)
        if is_binary:
            binary.append(_to_bytes(values))
            size = BinarySize(binary_data_size=len(binary[-1]))
            outputs.append(output.model_copy(update={"parameters": size}))
        else:
            texts = values.astype(np.str_) if tensor.datatype == "BYTES" else values
            outputs.append(output.model_copy(update={"data": texts.ravel().tolist()}))
    answer = InferAnswer(
        model_name=card.name, model_version=card.version, id=inference.id, outputs=tuple(outputs)
    )
    header = answer.model_dump_json().encode()
    if not binary:
        return Response(header, media_type="application/json")
    return Response(
        b"".join([header, *binary]),
        headers={HEADER_LENGTH: str(len(header))},
        media_type="application/octet-stream",
    )


def _length(text: str, most: int) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MAX_LENGTH_DIGITS
    if not is_number or int(text) > most:
        raise MalformedBody(
            f"{HEADER_LENGTH} is {text[:100]!r}; it must be the number of bytes of JSON, and the"
            f" body has {most}"
        )
    return int(text)


def _load(content: bytes, max_batch: int) -> dict[str, Any]:
    # Every image may be nested rows of numbers.
    max_values = 1 + max_batch * (1 + IMAGE_SIDE + IMAGE_SIDE * IMAGE_SIDE)
    # Objects and lists take twenty times the memory of their text, so values are counted before
    # they are built: each but the first follows a comma, a bracket or a colon.
    named = content.count(b"{") + content.count(b":")
    values = named + content.count(b"[") + content.count(b",")
    if named > _MAX_OTHER_VALUES or values > max_values + _MAX_OTHER_VALUES:
        raise BatchTooLarge(
            f"the JSON has more values than the {max_values} of the largest tensor; send smaller"
            " batches"
        )
    try:
        document = read_json(content)
    except ValueError as error:
        raise MalformedBody(f"the request is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidRequest.of("body", 'must be an object: {"inputs": [...]}')
    return document


def _size(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _outputs(
    requested: Sequence[RequestedOutput], available: tuple[Output, ...], *, binary: bool
) -> tuple[Output, ...]:
    if not requested:
        return tuple(output._replace(binary=binary) for output in available)
    known = {output.tensor.name: output for output in available}
    outputs: dict[str, Output] = {}
    for name, parameters in ((output.name, output.parameters) for output in requested):
        if name not in known:
            what = f"{name[:100]!r} is not known; there are {', '.join(known)}"
            raise InvalidRequest.of("outputs", what)
        if name in outputs:
            raise InvalidRequest.of("outputs", f"{name!r} is given more than once")
        asked = parameters.binary_data if parameters else None
        outputs[name] = known[name]._replace(binary=binary if asked is None else asked)
    return tuple(outputs.values())


def _read_tensor(
    tensor: RequestInput, data: object, binary: memoryview, max_batch: int
) -> Images | list[bytes]:
    expected = _expected(tensor)
    if tensor.shape[0] > max_batch:
        raise BatchTooLarge(
            f"{tensor.name} has {tensor.shape[0]} images, the limit is {max_batch}; send smaller"
            " batches"
        )
    content = _content(tensor, data, binary)
    try:
        if expected is IMAGE:
            return _pixels(content, tensor.shape)
        return _files(content, tensor.shape[0])
    except ValueError as error:
        raise InvalidRequest.of(tensor.name, str(error)) from error


def _expected(tensor: RequestInput) -> TensorMetadata:
    expected = next((each for each in INPUTS if each.name == tensor.name), None)
    if expected is None:
        names = " and ".join(each.name for each in INPUTS)
        raise InvalidRequest.of("inputs", f"{tensor.name[:100]!r} is not known; there are {names}")
    fits = len(tensor.shape) == len(expected.shape) and all(
        size >= 1 if wanted == _ANY else size == wanted
        for size, wanted in zip(tensor.shape, expected.shape, strict=True)
    )
    if tensor.datatype != expected.datatype or not fits:
        wanted = ", ".join("N" if size == _ANY else str(size) for size in expected.shape)
        raise InvalidRequest.of(
            tensor.name,
            f"must be {expected.datatype} [{wanted}], N at least 1; the request says"
            f" {tensor.datatype[:100]} {tensor.shape}",
        )
    return expected


def _content(tensor: RequestInput, data: object, binary: memoryview) -> list[object] | memoryview:
    size = tensor.parameters.binary_data_size if tensor.parameters else None
    if size is None and isinstance(data, list) and not binary:
        return data
    if size == len(binary) and data is None:
        return binary
    announced = "absent" if size is None else size
    raise InvalidRequest.of(
        tensor.name,
        "must have either a list as `data`, or the parameter binary_data_size and so many bytes"
        f" after the JSON: binary_data_size is {announced}, {len(binary)} bytes follow the"
        f" JSON, and `data` is {'absent' if data is None else 'there'}",
    )


def _pixels(content: list[object] | memoryview, shape: Sequence[int]) -> Images:
    """Return uint8 images of `shape` [N, 28, 28], without a copy if `content` is binary."""
    if isinstance(content, memoryview):
        pixels: bytes | memoryview = content
    else:
        try:
            pixels = bytes(_flat(content, shape))  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"must have whole numbers from 0 to 255 as `data`, flat or nested as {list(shape)}"
            ) from error
    if len(pixels) != prod(shape):
        raise ValueError(f"has {len(pixels)} values, the shape {list(shape)} says {prod(shape)}")
    return np.frombuffer(pixels, np.uint8).reshape(shape)


def _flat(values: list[object], shape: Sequence[int]) -> list[object]:
    for size in shape[1:]:
        rows = [row for row in values if isinstance(row, list)]
        if not rows:
            break
        if len(rows) < len(values) or any(len(row) != size for row in rows):
            raise ValueError
        values = list(chain.from_iterable(rows))
    return values


def _files(content: list[object] | memoryview, count: int) -> list[bytes]:
    """Return the `count` files of a tensor: Base64 strings, or bytes that follow their length."""
    if isinstance(content, list):
        if len(content) != count:
            raise ValueError(f"has {len(content)} elements, the shape says {count}")
        return [_decoded(element, index) for index, element in enumerate(content)]
    files: list[bytes] = []
    start = 0
    for index in range(count):
        begin = start + _LENGTH_BYTES
        stop = begin + int.from_bytes(content[start:begin], "little")
        if max(begin, stop) > len(content):
            raise ValueError(f"[{index}] of {count} elements ends past the binary data")
        files.append(bytes(content[begin:stop]))
        start = stop
    if start < len(content):
        raise ValueError(f"has {len(content) - start} bytes after its {count} elements")
    return files


def _decoded(element: object, index: int) -> bytes:
    if not isinstance(element, str):
        raise ValueError(f"[{index}] must be a text: the image file in Base64")
    try:
        return decode_base64(element)
    except InvalidItem as error:
        raise ValueError(f"[{index}]: {error}") from error


def _to_bytes(values: NDArray[np.generic]) -> bytes:
    if values.dtype.kind != "S":
        return values.tobytes()
    texts = cast("list[bytes]", values.tolist())
    return b"".join(len(text).to_bytes(_LENGTH_BYTES, "little") + text for text in texts)
