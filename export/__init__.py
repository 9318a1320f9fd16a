"""Keras to ONNX: convert, verify, calibrate, measure, publish."""

import os

# Before ONNX Runtime is imported: from 1.29 on it sends telemetry about processes and models.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
