"""Requests and responses of the Open Inference Protocol, as pydantic models."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from service.api.schemas import is_none
from service.settings import ErrorRate

Datatype = Literal["UINT8", "INT64", "FP32", "BYTES"]

# Thousands of numbers that need no validation on their way out.
_Data = Annotated[
    list[Any], WithJsonSchema({"type": "array", "items": {"type": ["number", "string"]}})
]
# Client generators need the type of the items, even of an array that is always empty.
_EmptyArray = Annotated[
    tuple[()], WithJsonSchema({"type": "array", "items": {"type": "object"}, "maxItems": 0})
]
_Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Response(BaseModel):
    # Pydantic reserves the prefix `model_`, which the protocol uses.
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class InputParameters(_Request):
    """Where the data of an input is."""

    binary_data_size: int | None = Field(
        None, ge=0, lt=2**63, description="Bytes of data after the JSON; without it, see `data`."
    )


class RequestInput(_Request):
    """The tensor to read."""

    name: str = Field(description="`image` or `image_bytes`.")
    shape: list[_Int64] = Field(
        max_length=8, description="[N, 28, 28], or [N] for `image_bytes`; N at least 1."
    )
    datatype: str = Field(description="`UINT8`, or `BYTES` for `image_bytes`.")
    parameters: InputParameters | None = None
    data: list[Any] | None = Field(
        None,
        description="Pixels, flat or nested like the shape, or Base64 strings; absent if the data"
        " is binary.",
    )


class OutputParameters(_Request):
    """How an output is sent."""

    binary_data: bool | None = Field(
        None, description="Whether it is binary; the default is `binary_data_output`."
    )


class RequestedOutput(_Request):
    """An output to send."""

    name: str = Field(
        description="`logits`, `probabilities`, `digit`, `confidence` or `decision`; of models that"
        " have it, `outlier`."
    )
    parameters: OutputParameters | None = None


class InferParameters(_Request):
    """How to read the images; the parameters of `POST /predict` with the same names."""

    max_error: ErrorRate | None = Field(
        None,
        description="Maximum error rate among accepted answers: selects the operating point that"
        " `decision` follows. Measured on MNIST; valid for single, upright digits written like"
        " those. The default is a setting of the service.",
    )
    preprocess: Literal["auto", "none"] | None = Field(
        None,
        description="For `image_bytes`, `auto` (the default) or `none`; for `image`, which is used"
        " unchanged, only `none`.",
    )
    binary_data_output: bool = Field(
        False, description="Whether outputs are binary that do not say so themselves."
    )


class InferRequest(_Request):
    """One tensor to read: `image`, normalised images, or `image_bytes`, image files."""

    id: str | None = Field(None, max_length=256, description="Returned with the response.")
    parameters: InferParameters | None = None
    inputs: list[RequestInput] = Field(min_length=1, max_length=1)
    outputs: list[RequestedOutput] | None = Field(
        None, description="The outputs to send; all if absent or empty."
    )


class RepositoryIndexRequest(_Request):
    """Which models the index lists."""

    ready: bool = Field(False, description="Whether to list served models only.")


class BinarySize(_Response):
    """Where the data of a binary output is."""

    binary_data_size: int = Field(description="Bytes of data after the JSON.")


class ResponseOutput(_Response):
    """An output, with its data here or after the JSON."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    parameters: BinarySize | None = Field(None, exclude_if=is_none)
    data: _Data | None = Field(
        None, exclude_if=is_none, description="Row by row; absent if the data is binary."
    )


class InferAnswer(_Response):
    """The outputs, in the order requested.

    A blank image has digit -1, `review`, and 0 for everything else.
    """

    model_name: str
    model_version: str
    id: str | None = Field(None, exclude_if=is_none)
    outputs: tuple[ResponseOutput, ...]


class ServerMetadata(_Response):
    """The name and version of the server."""

    name: str
    version: str
    extensions: tuple[str, ...]


class ServerLive(_Response):
    """The process answers."""

    live: bool = True


class ServerReady(_Response):
    """Models are loaded and warm."""

    ready: bool = True


class ModelReady(_Response):
    """The model is loaded and warm."""

    name: str
    ready: bool = True


class TensorMetadata(_Response):
    """A tensor that a model takes or returns."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...] = Field(description="-1 is the number of images.")


class ModelMetadata(_Response):
    """The tensors of a model; a request has one of the inputs."""

    name: str
    versions: tuple[str, ...]
    platform: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]


class RepositoryEntry(_Response):
    """A published model, and whether it is served."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str = Field(description="Why it is not served; empty if it is.")


class Duration(_Response):
    """How often something happened, and its total time."""

    count: Annotated[int, Field(ge=0)]
    ns: Annotated[int, Field(ge=0)]


class InferenceStatistics(_Response):
    """Where the time went, summed over the requests."""

    success: Duration = Field(description="Requests answered, from their last byte on.")
    fail: Duration = Field(description="Requests that failed.")
    queue: Duration = Field(description="Waiting.")
    compute_input: Duration = Field(description="Parsing, decoding and normalising.")
    compute_infer: Duration = Field(description="Running the model.")
    compute_output: Duration = Field(description="Deciding and writing responses.")


class ModelStatistics(_Response):
    """What one process has done with a model over this protocol since it started."""

    name: str
    version: str
    last_inference: int = Field(description="Time of the last answer, in ms since 1970, or 0.")
    inference_count: int = Field(description="Images of the answered requests.")
    execution_count: int = Field(description="Answered requests.")
    inference_stats: InferenceStatistics
    batch_stats: _EmptyArray = Field((), description="Always empty.")


class Statistics(_Response):
    """The statistics of each requested model."""

    model_stats: tuple[ModelStatistics, ...]
