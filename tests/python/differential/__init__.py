"""Random models, run in ONNX Runtime and in TensorVK, and compared.

`python -m tests.python.differential --graphs 10000 --operators 20` from the repository's root; `--help` says the rest.
"""
