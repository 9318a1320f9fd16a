"""PyTriton with dynamic batching: Triton's own HTTP front end, tensors over the V2 protocol."""

import os

import numpy as np
import onnxruntime as ort
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

MAX_BATCH_SIZE = 64

options = ort.SessionOptions()
options.intra_op_num_threads = 1  # the server has one core
session = ort.InferenceSession(os.environ["MODEL"], options)


@batch
def infer(image: np.ndarray) -> list[np.ndarray]:
    """Probabilities float32 [N, 10] of images uint8 [N, 28, 28]."""
    return session.run(["probabilities"], {"image": image})


if __name__ == "__main__":
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=int(os.environ["PORT"]),
        allow_grpc=False,
        allow_metrics=False,
        log_verbose=0,
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="digits",
            infer_func=infer,
            inputs=[Tensor(name="image", dtype=np.uint8, shape=(28, 28))],
            outputs=[Tensor(name="probabilities", dtype=np.float32, shape=(10,))],
            config=ModelConfig(max_batch_size=MAX_BATCH_SIZE, batcher=DynamicBatcher()),
            strict=True,
        )
        triton.serve()
