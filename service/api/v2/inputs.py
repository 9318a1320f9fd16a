"""The tensor of a request to normalised images or to image files; its claims are checked first."""

from service.api.v2 import files, pixels
from service.api.v2.answer_schemas import TensorMetadata
from service.api.v2.contract import ANY, IMAGE, INPUTS
from service.api.v2.request_schemas import RequestInput
from service.errors import BatchTooLarge, InvalidRequest
from service.inference.sessions import Images


def read_tensor(
    tensor: RequestInput, data: object, binary: memoryview, *, max_batch: int
) -> Images | list[bytes]:
    """The images of `tensor`: uint8 [N, 28, 28], or N files.

    Args:
        tensor: what the request says of it.
        data: its values, if they came in the JSON.
        binary: everything that followed the JSON.
        max_batch: the most images that there may be.

    Raises:
        InvalidRequest: it is another tensor, or its data is not what its shape says.
        BatchTooLarge: it has more than `max_batch` images.
    """
    expected = _expected(tensor)
    if tensor.shape[0] > max_batch:
        raise BatchTooLarge(
            f"{tensor.name} has {tensor.shape[0]} images, the limit is {max_batch}; send it in"
            " parts"
        )
    content = _content(tensor, data, binary)
    try:
        if expected is IMAGE:
            return pixels.read(content, tensor.shape)
        return files.read(content, tensor.shape[0])
    except ValueError as error:
        raise InvalidRequest.of(tensor.name, str(error)) from error


def _expected(tensor: RequestInput) -> TensorMetadata:
    expected = next((each for each in INPUTS if each.name == tensor.name), None)
    if expected is None:
        names = " and ".join(each.name for each in INPUTS)
        raise InvalidRequest.of("inputs", f"{tensor.name[:100]!r} is not known; there are {names}")
    if tensor.datatype != expected.datatype or not _fits(tensor.shape, expected.shape):
        wanted = ", ".join("N" if size == ANY else str(size) for size in expected.shape)
        raise InvalidRequest.of(
            tensor.name,
            f"must be {expected.datatype} [{wanted}], N at least 1; the request says"
            f" {tensor.datatype[:100]} {tensor.shape}",
        )
    return expected


def _fits(shape: list[int], expected: tuple[int, ...]) -> bool:
    return len(shape) == len(expected) and all(
        size >= 1 if wanted == ANY else size == wanted
        for size, wanted in zip(shape, expected, strict=True)
    )


def _content(tensor: RequestInput, data: object, binary: memoryview) -> list[object] | memoryview:
    size = tensor.parameters.binary_data_size if tensor.parameters else None
    if size is None and isinstance(data, list) and not binary:
        return data
    if size == len(binary) and data is None:
        return binary
    if size is None and data is None:
        what = "has neither `data` nor the parameter binary_data_size"
    elif size is not None and data is not None:
        what = "has both `data` and the parameter binary_data_size; send one of them"
    elif size is None and not isinstance(data, list):
        what = "must have a list as `data`"
    else:
        what = f"has {size or 0} bytes of binary data, but {len(binary)} follow the JSON"
    raise InvalidRequest.of(tensor.name, what)
