"""8-bit variants of exported graphs."""

import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

CALIBRATION_IMAGES = 1_000
_BATCH = 50

# The rest is cheap, and the softmax must stay exact for the confidences.
_QUANTISED = ["Conv", "MatMul", "Gemm", "Add", "Relu", "MaxPool", "GlobalAveragePool"]


class _Batches(CalibrationDataReader):
    def __init__(self, batches: Iterable[NDArray[np.uint8]]) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


def in_batches(images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Split the first CALIBRATION_IMAGES of `images` into batches for `quantise`."""
    few = images[:CALIBRATION_IMAGES]
    return np.array_split(few, max(1, len(few) // _BATCH))


def quantise(
    exported: onnx.ModelProto,
    batches: Iterable[NDArray[np.uint8]],
    exact: Collection[str] = (),
) -> onnx.ModelProto:
    """Quantise weights and activations to 8 bits, with ranges from `batches` of the input.

    The nodes whose names are in `exact` remain in 32 bits.

    Static quantisation in QDQ form, weights per channel: Jacob et al., "Quantization and Training
    of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Paths, because with a proto it moves the weights of that proto to files.
        source, prepared, path = (Path(folder) / f"{name}.onnx" for name in ("a", "b", "c"))
        onnx.save(exported, source)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            path,
            _Batches(batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_QUANTISED,
            per_channel=True,
            # 7-bit weights: processors without VNNI add pairs of 8-bit products in 16 bits, which
            # overflows.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=list(exact),
        )
        return onnx.load(path)
