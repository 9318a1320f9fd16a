"""MLServer with a runtime of its own and adaptive batching: tensors over the V2 protocol."""

import os

import onnxruntime as ort
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class DigitRuntime(MLModel):
    """Runs the ONNX file."""

    async def load(self) -> bool:
        """Open the session; one thread, since the server has one core."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(os.environ["MODEL"], options)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Probabilities float32 [N, 10] of images uint8 [N, 28, 28]."""
        images = NumpyCodec.decode_input(payload.inputs[0])
        probabilities = self.session.run(["probabilities"], {"image": images})[0]
        return InferenceResponse(
            model_name=self.name,
            outputs=[NumpyCodec.encode_output("probabilities", probabilities)],
        )
