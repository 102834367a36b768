"""TensorVK on a GPU: tensors in device memory, one context, one stream."""

from __future__ import annotations

import numpy as np
import tensorvk as trt
from tensorvk import cudart
from tensorvk.demo.device import check

from bench.arrays import Arrays

from .cases import Case
from .settings import Settings


def plan_of(case: Case, settings: Settings) -> bytes:
    """A kept plan, or a new one. Raises RuntimeError with the parser's reasons."""
    kept = case.work / f"{case.network}_b{case.batch}_{case.precision}_level{settings.level}.plan"
    if settings.keep_plans and kept.is_file():
        return kept.read_bytes()
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(case.model)):
        raise RuntimeError("; ".join(str(parser.get_error(i)) for i in range(parser.num_errors)))
    config = builder.create_builder_config()
    config.builder_optimization_level = settings.level
    if case.precision != "fp32":
        config.set_flag(trt.BuilderFlag.FP16)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise RuntimeError("the builder made no plan; its messages are above")
    kept.write_bytes(bytes(plan))
    return bytes(plan)


class Engine:
    def __init__(self, case: Case, settings: Settings) -> None:
        self._logger = trt.Logger(trt.Logger.ERROR)
        self._engine = trt.Runtime(self._logger).deserialize_cuda_engine(plan_of(case, settings))
        if self._engine is None:
            raise RuntimeError("the plan was refused; the message is above")
        self._context = self._engine.create_execution_context()
        self._stream = check(cudart.cudaStreamCreate())
        self._outputs: dict[str, int] = {}
        inputs = case.inputs()
        for index in range(self._engine.num_io_tensors):
            self._bind(self._engine.get_tensor_name(index), inputs)

    def start(self) -> None:
        if not self._context.execute_async_v3(int(self._stream)):
            raise RuntimeError("the engine could not be started; the message is above")

    def wait(self) -> None:
        check(cudart.cudaStreamSynchronize(self._stream))

    def outputs(self) -> Arrays:
        """Of the last inference."""
        hosts: Arrays = {}
        for name, pointer in self._outputs.items():
            host = np.empty(tuple(self._engine.get_tensor_shape(name)), trt.nptype(self._engine.get_tensor_dtype(name)))
            kind = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
            check(cudart.cudaMemcpy(host.ctypes.data, pointer, host.nbytes, kind))
            hosts[name] = host
        return hosts

    def _bind(self, name: str, inputs: Arrays) -> None:
        shape, dtype = tuple(self._engine.get_tensor_shape(name)), trt.nptype(self._engine.get_tensor_dtype(name))
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        pointer = int(check(cudart.cudaMalloc(max(size, 1))))
        self._context.set_tensor_address(name, pointer)
        if name in inputs:
            host = np.ascontiguousarray(inputs[name].astype(dtype, copy=False))
            kind = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
            check(cudart.cudaMemcpy(pointer, host.ctypes.data, host.nbytes, kind))
        else:
            self._outputs[name] = pointer
