"""TensorVK on a GPU against PyTorch and others, in interleaved rounds: `python -m bench.gpu`."""
