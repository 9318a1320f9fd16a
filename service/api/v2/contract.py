"""The tensors that every model takes and gives: the model contract, and what is made of it."""

from models.manifest import DIGITS, IMAGE_SIDE
from service.api.v2.answer_schemas import TensorMetadata

ANY = -1

IMAGE = TensorMetadata(name="image", datatype="UINT8", shape=(ANY, IMAGE_SIDE, IMAGE_SIDE))
IMAGE_BYTES = TensorMetadata(name="image_bytes", datatype="BYTES", shape=(ANY,))
INPUTS = (IMAGE, IMAGE_BYTES)

LOGITS = TensorMetadata(name="logits", datatype="FP32", shape=(ANY, DIGITS))
PROBABILITIES = TensorMetadata(name="probabilities", datatype="FP32", shape=(ANY, DIGITS))
DIGIT = TensorMetadata(name="digit", datatype="INT64", shape=(ANY,))
CONFIDENCE = TensorMetadata(name="confidence", datatype="FP32", shape=(ANY,))
DECISION = TensorMetadata(name="decision", datatype="BYTES", shape=(ANY,))
OUTPUTS = (LOGITS, PROBABILITIES, DIGIT, CONFIDENCE, DECISION)
