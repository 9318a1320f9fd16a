"""LitServe with dynamic batching: requests that come together go through the model together.

A request is JSON with images in Base64, the form in which LitServe's pages send pictures.
"""

import base64
import os

import cv2
import litserve as ls
import numpy as np
import onnxruntime as ort

MAX_BATCH_SIZE = 64
BATCH_TIMEOUT = 0.001  # seconds; with 0.01, LitServe answered a lone image a fifth as fast


class DigitAPI(ls.LitAPI):
    """Decode, stack what came together, run, take apart."""

    def setup(self, device: str) -> None:
        """Open the session; one thread, since the server has one core."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(os.environ["MODEL"], options)

    def decode_request(self, request: dict) -> np.ndarray:
        """Images uint8 [N, 28, 28] of one request."""
        return np.stack([decode(base64.b64decode(image)) for image in request["images"]])

    def batch(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Leave stacking to `predict`: requests may hold different numbers of images."""
        return inputs

    def predict(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run the model once for all images of all requests."""
        probabilities = self.session.run(["probabilities"], {"image": np.concatenate(inputs)})[0]
        return np.split(probabilities, np.cumsum([len(images) for images in inputs])[:-1])

    def unbatch(self, output: list[np.ndarray]) -> list[np.ndarray]:
        """One entry for each request already."""
        return output

    def encode_response(self, output: np.ndarray) -> dict:
        """Write the answer to one request."""
        return {
            "predictions": [
                {"digit": int(row.argmax()), "probabilities": row.tolist()} for row in output
            ]
        }


def decode(data: bytes) -> np.ndarray:
    """The image uint8 [28, 28] in a file."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return image if image.shape == (28, 28) else cv2.resize(image, (28, 28))


if __name__ == "__main__":
    api = DigitAPI(api_path="/predict", max_batch_size=MAX_BATCH_SIZE, batch_timeout=BATCH_TIMEOUT)
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
