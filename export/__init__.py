"""Keras to ONNX: convert, verify, calibrate, measure, publish."""

import os

# Before it is imported: from 1.29 on ONNX Runtime tells its makers of processes and models.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
