"""What a tutorial shows: FastAPI, a declared UploadFile, Pillow, a session."""

import io
import os

import numpy as np
import onnxruntime as ort
from fastapi import FastAPI, UploadFile
from PIL import Image

# A tutorial passes no options. Then ONNX Runtime binds a thread to every processor of the machine,
# also to those that taskset denies; kept to one processor, these threads do a fifth of the work.
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(os.environ["MODEL"], options)
app = FastAPI()


@app.get("/health")
def health() -> dict:
    """Say that the model is loaded."""
    return {"status": "ok"}


@app.post("/predict")
async def predict(file: UploadFile) -> dict:
    """Read one image."""
    return read(preprocess(await file.read())[None])[0]


@app.post("/predict/batch")
async def predict_batch(files: list[UploadFile]) -> dict:
    """Read many images, one after the other."""
    return {"predictions": [await predict(file) for file in files]}


@app.post("/predict/stacked")
async def predict_stacked(files: list[UploadFile]) -> dict:
    """Read many images in one run of the model."""
    return {"predictions": read(np.stack([preprocess(await file.read()) for file in files]))}


def read(images: np.ndarray) -> list[dict]:
    """Answers to images uint8 [N, 28, 28]."""
    outputs = session.run(["probabilities"], {"image": images})[0]
    return [{"digit": int(row.argmax()), "probabilities": row.tolist()} for row in outputs]


def preprocess(data: bytes) -> np.ndarray:
    """Decode and bring to 28x28."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("L").resize((28, 28)))
