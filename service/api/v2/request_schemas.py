"""What callers send, as pydantic models: for the check, and for the document."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.settings import ErrorRate

_MAX_ID_LENGTH = 256
_INT64 = Field(ge=-(2**63), lt=2**63)


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class InputParameters(_Asked):
    """Where an input's data is."""

    binary_data_size: int | None = Field(
        None,
        ge=0,
        lt=2**63,
        description="Bytes that hold the data, after the JSON; without it, `data` holds it.",
    )


class RequestInput(_Asked):
    """The tensor that is read."""

    name: str = Field(description="`image` or `image_bytes`.")
    shape: list[Annotated[int, _INT64]] = Field(
        max_length=8, description="[N, 28, 28], or [N] for `image_bytes`; N at least 1."
    )
    datatype: str = Field(description="`UINT8`, or `BYTES` for `image_bytes`.")
    parameters: InputParameters | None = None
    data: list[Any] | None = Field(
        None,
        description="The pixels, flat or nested as the shape says, or texts of Base64; absent where"
        " the data is binary.",
    )


class OutputParameters(_Asked):
    """How an output is sent."""

    binary_data: bool | None = Field(
        None, description="Whether it is binary; without it, as `binary_data_output` says."
    )


class RequestedOutput(_Asked):
    """An output that the caller wants."""

    name: str = Field(description="`logits`, `probabilities`, `digit`, `confidence` or `decision`.")
    parameters: OutputParameters | None = None


class InferParameters(_Asked):
    """How to read; those of `POST /predict` by the same names."""

    max_error: ErrorRate | None = Field(
        None,
        description="Error rate among accepted answers that is put up with: picks the operating"
        " point that `decision` follows. It was measured on MNIST, and holds for single, upright"
        " digits written like those. Without it, the service's setting.",
    )
    preprocess: Literal["auto", "none"] | None = Field(
        None,
        description="For `image_bytes`, `auto` (as without it) or `none`; an `image` is taken as it"
        " is, so that only `none` may be said of it.",
    )
    binary_data_output: bool = Field(
        False, description="Whether outputs are binary that say nothing else of themselves."
    )


class InferRequest(_Asked):
    """One tensor to be read: `image`, normalised images, or `image_bytes`, image files."""

    id: str | None = Field(
        None, max_length=_MAX_ID_LENGTH, description="Comes back with the answer."
    )
    parameters: InferParameters | None = None
    inputs: list[RequestInput] = Field(min_length=1, max_length=1)
    outputs: list[RequestedOutput] | None = Field(
        None, description="Without it, or empty, all outputs are sent."
    )


class RepositoryIndexRequest(_Asked):
    """Which models the index lists."""

    ready: bool = Field(False, description="Whether only models are listed that are served.")
