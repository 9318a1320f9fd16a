"""What a tutorial shows: FastAPI, an `UploadFile`, Pillow, a resize, an ONNX Runtime session.

MODEL=models/cnn.onnx uvicorn benchmarks.serving.tutorial:app
"""

import io
import os

import numpy as np
import onnxruntime as ort
from fastapi import FastAPI, UploadFile
from PIL import Image

# A tutorial passes no options. ONNX Runtime then starts a thread for every processor of the
# machine; confined to one processor, these threads do a fifth of the work.
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(os.environ["MODEL"], options)
app = FastAPI()


@app.post("/predict")
async def predict(file: UploadFile) -> dict:
    """Read one image."""
    return read(preprocess(await file.read())[None])[0]


@app.post("/predict/batch")
async def predict_batch(files: list[UploadFile]) -> dict:
    """Read many images in one run of the model."""
    return {"predictions": read(np.stack([preprocess(await file.read()) for file in files]))}


def read(images: np.ndarray) -> list[dict]:
    """Classify images uint8 [N, 28, 28]."""
    outputs = session.run(["probabilities"], {"image": images})[0]
    return [{"digit": int(row.argmax()), "probabilities": row.tolist()} for row in outputs]


def preprocess(data: bytes) -> np.ndarray:
    """Decode, convert to grey, resize to 28x28, and invert if light."""
    image = np.asarray(Image.open(io.BytesIO(data)).convert("L").resize((28, 28)))
    return 255 - image if image.mean() > 127 else image
