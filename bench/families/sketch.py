"""Networks of one layer in a type. They count what the layer has to read and to write."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import tensorvk as trt

TYPES = {"fp32": trt.float32, "fp16": trt.float16, "int8": trt.int8}
BYTES = {"fp32": 4, "fp16": 2, "int8": 1}
MEASURED = "measured"  # the layer's name; what the compiler puts around it keeps its own
STEP = 0.02  # of int8 numbers


class Sketch:
    """int8: tensors come in as int8 and are dequantized, weights and the result are quantized."""

    def __init__(self, network: trt.INetworkDefinition, precision: str) -> None:
        self.network = network
        self.precision = precision
        self.bytes = 0
        self.limits: dict[str, int] = {}  # of inputs that are indices
        self._floats = np.float32 if precision == "fp32" else np.float16
        self._kept: list[npt.NDArray[np.generic]] = []  # the network reads weights when it is built
        self._numbers = np.random.default_rng(1)

    def input(self, *shape: int) -> trt.ITensor:
        self.bytes += math.prod(shape) * BYTES[self.precision]
        tensor = self.network.add_input(f"input{self.network.num_inputs}", TYPES[self.precision], shape)
        if self.precision != "int8":
            return tensor
        return self.network.add_dequantize(tensor, self._step(), trt.float16).get_output(0)

    def indices(self, limit: int, *shape: int) -> trt.ITensor:
        """An input of numbers below the limit."""
        self.bytes += math.prod(shape) * 4
        tensor = self.network.add_input(f"input{self.network.num_inputs}", trt.int32, shape)
        self.limits[tensor.name] = limit
        return tensor

    def weights(self, *shape: int) -> trt.ITensor:
        self.bytes += math.prod(shape) * BYTES[self.precision]
        tensor = self.constant(self._numbers.standard_normal(shape, np.float32) / 8)
        if self.precision != "int8":
            return tensor
        quantized = self.network.add_quantize(tensor, self._step(), trt.int8).get_output(0)
        return self.network.add_dequantize(quantized, self._step(), trt.float16).get_output(0)

    def constant(self, numbers: npt.ArrayLike) -> trt.ITensor:
        array = np.ascontiguousarray(numbers, self._floats)
        self._kept.append(array)
        return self.network.add_constant(array.shape, trt.Weights(array)).get_output(0)

    def measure(self, layer: trt.ILayer | trt.IAttention) -> None:
        """The layer's first result is the network's output."""
        layer.name = MEASURED
        result = layer.get_output(0)
        if self.precision == "int8":
            result = self.network.add_quantize(result, self._step(), trt.int8).get_output(0)
        self.bytes += math.prod(result.shape) * BYTES[self.precision]
        self.network.mark_output(result)

    def _step(self) -> trt.ITensor:
        return self.constant(STEP)
