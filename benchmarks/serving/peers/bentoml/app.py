"""BentoML with adaptive batching: a batchable API takes a list of pictures."""

import os

import bentoml
import numpy as np
import onnxruntime as ort
from PIL import Image
from PIL.Image import Image as Picture


@bentoml.service(
    workers=1,
    traffic={"timeout": 60, "max_concurrency": 1024},
    logging={"access": {"enabled": False}},
)
class Digits:
    """Reads digits."""

    def __init__(self) -> None:
        """Open the session; one thread, since the server has one core."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(os.environ["MODEL"], options)

    @bentoml.api(batchable=True, max_batch_size=512, max_latency_ms=5000)
    def predict(self, images: list[Picture]) -> list[dict]:
        """Answers, one to a picture."""
        stacked = np.stack([preprocess(image) for image in images])
        probabilities = self.session.run(["probabilities"], {"image": stacked})[0]
        return [
            {"digit": int(row.argmax()), "probabilities": row.tolist()} for row in probabilities
        ]


def preprocess(image: Picture) -> np.ndarray:
    """Bring to grey and 28x28."""
    return np.asarray(image.convert("L").resize((28, 28), Image.Resampling.BILINEAR))
