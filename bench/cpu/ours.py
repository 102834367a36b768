"""TensorVK on the CPU: build a plan, run it on host memory."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorvk as trt
from tensorvk import cudart
from tensorvk.demo.device import check

from bench.arrays import Arrays
from bench.profiling import LayerTimes, describe


def build_plan(model: Path, level: int | None = None, bf16: bool = False) -> bytes:
    """Plan of a model with fixed shapes. Raises RuntimeError with the parser's reasons."""
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(model)):
        raise RuntimeError("; ".join(str(parser.get_error(i)) for i in range(parser.num_errors)))
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if level is not None:
        config.builder_optimization_level = level
    if bf16:
        config.set_flag(trt.BuilderFlag.BF16)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise RuntimeError("the builder made no plan; its messages are above")
    return bytes(plan)


class HostEngine:
    """A plan with inputs and outputs in host memory that the device sees: nothing is copied but the inputs."""

    def __init__(self, plan: bytes, inputs: Arrays, expected: Arrays) -> None:
        self._logger = trt.Logger(trt.Logger.ERROR)
        engine = trt.Runtime(self._logger).deserialize_cuda_engine(plan)
        if engine is None:
            raise RuntimeError("the plan was refused; the message is above")
        self.engine = engine
        self.context = engine.create_execution_context()
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        for name in names:
            if name in inputs:
                self.context.set_input_shape(name, inputs[name].shape)
        arrays = {name: self._host_array(name, expected) for name in names}
        self._bindings = [arrays[name].ctypes.data for name in names]
        self._inputs = {name: array for name, array in arrays.items() if name in inputs}
        self._outputs = {name: array for name, array in arrays.items() if name not in inputs}

    def __call__(self, inputs: Arrays) -> Arrays:
        """The arrays returned are reused by the next call."""
        for name, array in self._inputs.items():
            np.copyto(array, inputs[name], casting="no")
        if not self.context.execute_v2(self._bindings):
            raise RuntimeError("the engine failed; the message is above")
        return self._outputs

    def layer_times(self, inputs: Arrays) -> dict[str, float]:
        """Milliseconds of each layer of one inference; layers of one name are added up."""
        times = LayerTimes()
        self.context.profiler = times  # from here on every inference runs layer by layer
        self(inputs)
        return times.ms

    def describe(self) -> dict[str, Any]:
        """The inspector's description of the layers."""
        return describe(self.engine, self.context)

    def _host_array(self, name: str, expected: Arrays) -> npt.NDArray[np.generic]:
        """Pinned memory; it lives as long as the process."""
        shape = tuple(self.context.get_tensor_shape(name))
        if -1 in shape:  # it depends on the inputs' values
            shape = expected[name].shape
        dtype = np.dtype(trt.nptype(self.engine.get_tensor_dtype(name)))
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        address = int(check(cudart.cudaHostAlloc(max(size, 1))))
        buffer = (ctypes.c_char * size).from_address(address)
        return np.frombuffer(buffer, dtype).reshape(shape)
