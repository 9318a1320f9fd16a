"""Measurements of the whole service, each one command that prints a table and writes JSON."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before ONNX Runtime is imported
