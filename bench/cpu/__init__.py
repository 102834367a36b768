"""TensorVK without a GPU beside the engines that people use there: `python -m bench.cpu`."""
