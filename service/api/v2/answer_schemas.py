"""What callers are sent, as pydantic models: for the answers, and for the document."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from service.api.schemas import is_none

Datatype = Literal["UINT8", "INT64", "FP32", "BYTES"]

# Thousands of numbers that need no check on their way out.
_Data = Annotated[
    list[Any], WithJsonSchema({"type": "array", "items": {"type": ["number", "string"]}})
]

# Generators of clients want to know of what an array is, even of an empty one.
_Nothing = Annotated[
    tuple[()], WithJsonSchema({"type": "array", "items": {"type": "object"}, "maxItems": 0})
]


class _Answer(BaseModel):
    # Pydantic keeps the prefix `model_` for itself, the protocol has names with it.
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class BinarySize(_Answer):
    """Where a binary output's data is."""

    binary_data_size: int = Field(description="Bytes that hold the data, after the JSON.")


class ResponseOutput(_Answer):
    """An output: its data here, or binary after the JSON."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    parameters: BinarySize | None = Field(None, exclude_if=is_none)
    data: _Data | None = Field(
        None, exclude_if=is_none, description="Row by row; absent where the data is binary."
    )


class InferAnswer(_Answer):
    """The outputs, in the order in which they were asked for.

    A blank image has digit -1, `review`, and 0 for everything else.
    """

    model_name: str
    model_version: str
    id: str | None = Field(None, exclude_if=is_none)
    outputs: tuple[ResponseOutput, ...]


class ServerMetadata(_Answer):
    """Which server this is."""

    name: str
    version: str
    extensions: tuple[str, ...]


class ServerLive(_Answer):
    """The process answers."""

    live: Literal[True] = True


class ServerReady(_Answer):
    """Models are loaded and warm."""

    ready: Literal[True] = True


class ModelReady(_Answer):
    """The model is loaded and warm."""

    name: str
    ready: Literal[True] = True


class TensorMetadata(_Answer):
    """A tensor that a model takes or gives."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...] = Field(description="-1 stands for the number of images.")


class ModelMetadata(_Answer):
    """What a model takes and gives; a request has one of the inputs."""

    name: str
    versions: tuple[str, ...]
    platform: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]


class RepositoryEntry(_Answer):
    """A published model, and whether it is served."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str = Field(description="Why it is not served; empty where it is.")


class Duration(_Answer):
    """How often something was done, and how long it took altogether."""

    count: Annotated[int, Field(ge=0)]
    ns: Annotated[int, Field(ge=0)]


class InferenceStatistics(_Answer):
    """Where the time went, summed over the requests."""

    success: Duration = Field(description="Requests that were answered, from their last byte on.")
    fail: Duration = Field(description="Those that were not.")
    queue: Duration = Field(description="Always 0: counted in `compute_infer`.")
    compute_input: Duration = Field(
        description="Taking requests apart, decoding and normalising their images."
    )
    compute_infer: Duration = Field(description="Waiting for the model, and running it.")
    compute_output: Duration = Field(description="Deciding and writing the answers.")


class ModelStatistics(_Answer):
    """What one process has done with a model over this protocol since it started."""

    name: str
    version: str
    last_inference: int = Field(
        description="When the last request was answered, in ms since 1970; 0 before the first."
    )
    inference_count: int = Field(description="Images in the requests that were answered.")
    execution_count: int = Field(
        description="Requests that were answered: the micro-batches they shared with others are not"
        " counted."
    )
    inference_stats: InferenceStatistics
    batch_stats: _Nothing = Field(
        (), description="Always empty: micro-batches are shared with requests not counted here."
    )


class Statistics(_Answer):
    """The statistics of each model that was asked for."""

    model_stats: tuple[ModelStatistics, ...]
