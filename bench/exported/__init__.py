"""Well-known architectures as plain torch modules with seeded weights, and their ONNX files: `python -m bench.exported`."""
