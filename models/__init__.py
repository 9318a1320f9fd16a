"""The contract between export and service: ONNX files, manifest, schema of the manifest."""
