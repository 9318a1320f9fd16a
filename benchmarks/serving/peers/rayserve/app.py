"""Ray Serve with dynamic request batching: one image as its raw bytes, many as a form."""

import os

import cv2
import numpy as np
import onnxruntime as ort
import ray
from ray import serve
from ray.serve.schema import LoggingConfig
from starlette.requests import Request

MAX_BATCH_SIZE = 64
BATCH_WAIT_SECONDS = 0.002  # with 0.02, Ray answered a lone image half as fast, and many no faster


@serve.deployment(
    num_replicas=1,
    max_ongoing_requests=256,
    ray_actor_options={"num_cpus": 0.5},
    logging_config=LoggingConfig(enable_access_log=False, log_level="WARNING"),
)
class Digits:
    """Reads digits."""

    def __init__(self) -> None:
        """Open the session; one thread, since the server has one core."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(os.environ["MODEL"], options)

    async def __call__(self, request: Request) -> dict:
        """Answer a request; images of requests that come together go through together."""
        if request.headers.get("content-type", "").startswith("multipart/"):
            async with request.form() as form:
                files = [await file.read() for file in form.getlist("files")]
            return {"predictions": self.run([decode(file) for file in files])}
        if request.method == "GET":
            return {"status": "ok"}
        return await self.read(await request.body())

    @serve.batch(max_batch_size=MAX_BATCH_SIZE, batch_wait_timeout_s=BATCH_WAIT_SECONDS)
    async def read(self, files: list[bytes]) -> list[dict]:
        """Answers, one to an image file."""
        return self.run([decode(file) for file in files])

    def run(self, images: list[np.ndarray]) -> list[dict]:
        """Answers to images uint8 [28, 28]."""
        probabilities = self.session.run(["probabilities"], {"image": np.stack(images)})[0]
        return [
            {"digit": int(row.argmax()), "probabilities": row.tolist()} for row in probabilities
        ]


def decode(data: bytes) -> np.ndarray:
    """The image uint8 [28, 28] in a file."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return image if image.shape == (28, 28) else cv2.resize(image, (28, 28))


if __name__ == "__main__":
    quiet = LoggingConfig(enable_access_log=False, log_level="WARNING")
    ray.init(
        num_cpus=1,
        include_dashboard=False,
        log_to_driver=False,
        _temp_dir=os.environ.get("RAY_TMPDIR"),
    )
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])}, logging_config=quiet
    )
    serve.run(Digits.bind(), blocking=True)
