"""Well-known architectures as plain torch modules with seeded weights; `python -m bench.exported` writes ONNX files."""
