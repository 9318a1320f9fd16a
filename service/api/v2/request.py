"""A request to infer: taken apart, checked, its images in the form that they came in."""

from dataclasses import dataclass

from pydantic import ValidationError

from service.api.v2.answer_schemas import TensorMetadata
from service.api.v2.body import take_apart
from service.api.v2.contract import OUTPUTS
from service.api.v2.inputs import read_tensor
from service.api.v2.pixels import most_values
from service.api.v2.request_schemas import InferParameters, InferRequest
from service.errors import InvalidRequest
from service.inference.digits import DigitOptions, Preprocess
from service.inference.sessions import Images


@dataclass(frozen=True)
class WantedOutput:
    """An output, and how it is sent."""

    tensor: TensorMetadata
    binary: bool


@dataclass(frozen=True, eq=False)
class Inference:
    """What a caller asks for.

    Attributes:
        id: the caller's name for it.
        parameters: how to read.
        content: uint8 [N, 28, 28], to be taken as they are, or N image files.
        outputs: what is sent, in this order.
    """

    id: str | None
    parameters: InferParameters
    content: Images | list[bytes]
    outputs: tuple[WantedOutput, ...]

    def options(self, model: str) -> DigitOptions:
        """How `model` is to read them."""
        preprocess = Preprocess(self.parameters.preprocess or Preprocess.AUTO)
        return DigitOptions(model, self.parameters.max_error, preprocess)


def parse(body: bytes, header_length: str | None, *, max_batch: int) -> Inference:
    """What `body` asks for, its JSON `header_length` bytes long or all of it.

    Raises:
        MalformedBody, InvalidRequest: it is not an `InferRequest` with the data it speaks of.
        BatchTooLarge: it has more than `max_batch` images.
    """
    parts = take_apart(body, header_length, most_values=most_values(max_batch))
    try:
        request = InferRequest.model_validate(parts.document)
    except ValidationError as error:
        raise InvalidRequest.from_pydantic(
            error.errors(include_url=False, include_input=False, include_context=False)
        ) from error
    parameters = request.parameters or InferParameters()
    outputs = _outputs(request, default_binary=parameters.binary_data_output)
    [tensor], [data] = request.inputs, parts.data
    content = read_tensor(tensor, data, parts.binary, max_batch=max_batch)
    if parameters.preprocess == "auto" and not isinstance(content, list):
        what = "`image` is taken as it is; send `image_bytes` to have it normalised"
        raise InvalidRequest.of("parameters.preprocess", what)
    return Inference(request.id, parameters, content, outputs)


def _outputs(request: InferRequest, *, default_binary: bool) -> tuple[WantedOutput, ...]:
    if not request.outputs:
        return tuple(WantedOutput(tensor, default_binary) for tensor in OUTPUTS)
    known = {tensor.name: tensor for tensor in OUTPUTS}
    wanted: dict[str, WantedOutput] = {}
    for output in request.outputs:
        if output.name not in known:
            what = f"{output.name[:100]!r} is not known; there are {', '.join(known)}"
            raise InvalidRequest.of("outputs", what)
        if output.name in wanted:
            raise InvalidRequest.of("outputs", f"{output.name!r} is given more than once")
        binary = output.parameters.binary_data if output.parameters else None
        binary = default_binary if binary is None else binary
        wanted[output.name] = WantedOutput(known[output.name], binary)
    return tuple(wanted.values())
