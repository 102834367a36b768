"""Kernels by family, each as a network of one layer, beside what the device can do: `python -m bench.families`."""
