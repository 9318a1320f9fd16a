"""The field reader: Keras -> ONNX, verified, calibrated, measured."""
