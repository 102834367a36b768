"""An engine of ours that takes and returns numpy arrays, with event times."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorvk as trt
from tensorvk import cudart
from tensorvk.demo.device import check

from .arrays import Arrays
from .datasets import Model


def profile_shapes(model: Model, name: str) -> list[tuple[int, ...]]:
    """Smallest, first and largest shape of an input over the model's data sets, dimension by dimension."""
    shapes = [data_set.inputs[name].shape for data_set in model.sets]
    return [tuple(map(min, zip(*shapes, strict=True))), shapes[0], tuple(map(max, zip(*shapes, strict=True)))]


def build(model: Model, fp16: bool = False) -> bytes:
    """Plan of a model with a profile that covers its data sets. Raises RuntimeError with the parser's reasons."""
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(model.path)):
        raise RuntimeError("; ".join(str(parser.get_error(i)) for i in range(parser.num_errors)))
    config = builder.create_builder_config()
    if fp16:
        config.set_flag(trt.BuilderFlag.FP16)
    if any(any(open_dims) for open_dims in model.dynamic.values()):
        profile = builder.create_optimization_profile()
        for name in model.dynamic:
            profile.set_shape(name, *profile_shapes(model, name))
        config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise RuntimeError("the builder made no plan; its messages are above")
    return bytes(plan)


class Engine:
    """A loaded plan with one context and one stream. Device memory grows with the shapes that it meets."""

    def __init__(self, plan: bytes) -> None:
        self._logger = trt.Logger(trt.Logger.ERROR)
        engine = trt.Runtime(self._logger).deserialize_cuda_engine(plan)
        if engine is None:
            raise RuntimeError("the plan was refused; the message is above")
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self._outputs = {
            name: trt.nptype(engine.get_tensor_dtype(name))
            for name in names
            if engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT
        }
        self._context = engine.create_execution_context()
        self._stream = check(cudart.cudaStreamCreate())
        self._before, self._after = check(cudart.cudaEventCreate()), check(cudart.cudaEventCreate())
        self._memory: dict[str, tuple[int, int]] = {}  # tensor name -> (pointer, bytes)
        self._hosts: Arrays = {}

    def __call__(self, inputs: Arrays) -> Arrays:
        """One inference from host arrays to host arrays; the arrays returned are reused by the next call."""
        for name, array in inputs.items():
            self._context.set_input_shape(name, array.shape)
            self._copy_in(name, array)
        hosts = self._host_outputs()
        check(cudart.cudaEventRecord(self._before, self._stream))
        if not self._context.execute_async_v3(int(self._stream)):
            raise RuntimeError("the engine could not be started; the message is above")
        check(cudart.cudaEventRecord(self._after, self._stream))
        kind = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        for name, host in hosts.items():
            pointer = self._memory[name][0]
            check(cudart.cudaMemcpyAsync(host.ctypes.data, pointer, host.nbytes, kind, self._stream))
        check(cudart.cudaStreamSynchronize(self._stream))
        return hosts

    def kernel_ms(self) -> float:
        """Milliseconds of the last call without its copies, between two events."""
        return float(check(cudart.cudaEventElapsedTime(self._before, self._after)))

    def close(self) -> None:
        for pointer, _ in self._memory.values():
            check(cudart.cudaFree(pointer))
        check(cudart.cudaEventDestroy(self._before))
        check(cudart.cudaEventDestroy(self._after))
        check(cudart.cudaStreamDestroy(self._stream))

    def _copy_in(self, name: str, array: npt.NDArray[np.generic]) -> None:
        host = np.ascontiguousarray(array)
        kind = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        check(
            cudart.cudaMemcpyAsync(self._reserve(name, host.nbytes), host.ctypes.data, host.nbytes, kind, self._stream)
        )

    def _host_outputs(self) -> Arrays:
        for name, dtype in self._outputs.items():
            shape = tuple(self._context.get_tensor_shape(name))
            if name not in self._hosts or self._hosts[name].shape != shape:
                self._hosts[name] = np.empty(shape, dtype)
            self._reserve(name, self._hosts[name].nbytes)
        return {name: self._hosts[name] for name in self._outputs}

    def _reserve(self, name: str, size: int) -> int:
        pointer, capacity = self._memory.get(name, (0, -1))
        if size > capacity:
            if capacity >= 0:
                check(cudart.cudaStreamSynchronize(self._stream))
                check(cudart.cudaFree(pointer))
            pointer = int(check(cudart.cudaMalloc(max(size, 4))))
            self._memory[name] = (pointer, size)
        self._context.set_tensor_address(name, pointer)
        return pointer
