"""What a tutorial shows with Keras: FastAPI, a declared UploadFile, Pillow, `model.predict`."""

import io
import os

import keras
import numpy as np
from fastapi import FastAPI, UploadFile
from PIL import Image

model = keras.models.load_model(os.environ["MODEL"], compile=False)
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
    """Read many images."""
    return {"predictions": read(np.stack([preprocess(await file.read()) for file in files]))}


def read(images: np.ndarray) -> list[dict]:
    """Answers to images uint8 [N, 28, 28]."""
    outputs = keras.ops.softmax(model.predict(images, verbose=0)).numpy()
    return [{"digit": int(row.argmax()), "probabilities": row.tolist()} for row in outputs]


def preprocess(data: bytes) -> np.ndarray:
    """Decode and bring to 28x28."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("L").resize((28, 28)))
