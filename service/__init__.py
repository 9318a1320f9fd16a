"""FastAPI and ONNX Runtime: reads digits for programs, and says when not to be believed."""
