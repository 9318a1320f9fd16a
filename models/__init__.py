"""What export publishes and the service reads: the ONNX files, their manifest, and its schema."""
