"""Keras to ONNX: convert, verify, calibrate, measure, publish."""
