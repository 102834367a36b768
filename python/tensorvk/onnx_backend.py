"""TensorVK as an ONNX backend: the standard ``onnx.backend.base`` interface, so that ``onnx.backend.test`` can run it.

    import onnx, tensorvk.onnx_backend as backend
    outputs = backend.prepare(onnx.load("model.onnx")).run([x])

Needs the ``onnx`` package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto
from onnx.backend.base import Backend, BackendRep, namedtupledict

import tensorvk as trt
from tensorvk import cudart

Array = np.ndarray[Any, Any]

_NUMPY: dict[Any, np.dtype[Any]] = {
    trt.float32: np.dtype(np.float32),
    trt.float16: np.dtype(np.float16),
    trt.int8: np.dtype(np.int8),
    trt.uint8: np.dtype(np.uint8),
    trt.int32: np.dtype(np.int32),
    trt.int64: np.dtype(np.int64),
    trt.bool: np.dtype(np.bool_),
}


class UnsupportedModel(RuntimeError):
    """The model has nodes that TensorVK does not offer; the message lists all of them."""


class _Log(trt.ILogger):
    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.lines: list[str] = []

    def log(self, severity: Any, message: str) -> None:
        if severity <= trt.ILogger.Severity.ERROR:
            self.lines.append(message)


def _numpy_type(dtype: Any) -> np.dtype[Any]:
    if dtype == trt.bfloat16:
        import ml_dtypes  # onnx depends on it

        bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    return _NUMPY[dtype]


class TensorVKRep(BackendRep):
    """A model, ready to run. Shapes of dynamic inputs may change from run to run."""

    def __init__(self, model: ModelProto, level: int = 0) -> None:
        self._log = _Log()
        builder = trt.Builder(self._log)
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
        parser = trt.OnnxParser(network, self._log)
        if not parser.parse(model.SerializeToString()):
            raise UnsupportedModel("\n".join(parser.get_error(i).desc() for i in range(parser.num_errors)))
        config = builder.create_builder_config()
        config.builder_optimization_level = level
        plan = builder.build_serialized_network(network, config)
        engine = None if plan is None else trt.Runtime(self._log).deserialize_cuda_engine(plan)
        if engine is None:
            raise RuntimeError("\n".join(self._log.lines))
        self._engine = engine
        self._context = engine.create_execution_context()
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self._inputs = [n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
        self._outputs = [n for n in names if n not in self._inputs]
        # Engines compute double with float32, as TensorRT does; the model's caller gets what the model declares.
        self._doubles = {v.name for v in model.graph.output if v.type.tensor_type.elem_type == TensorProto.DOUBLE}

    def run(self, inputs: Any, **kwargs: Any) -> Any:
        """``inputs``: numpy arrays in the model's order, or by name. Returns a tuple with the outputs' names."""
        feed: Mapping[str, Array] = (
            inputs if isinstance(inputs, Mapping) else dict(zip(self._inputs, _as_list(inputs), strict=False))
        )
        memory: list[int] = []
        try:
            self._bind_inputs(feed, memory)
            self._bind_outputs(memory)
            self._log.lines.clear()
            if not self._context.execute_async_v3(0) or cudart.cudaStreamSynchronize(0)[0] != 0:
                raise RuntimeError("\n".join(self._log.lines))
            results = [self._fetch(name) for name in self._outputs]
        finally:
            for address in memory:
                cudart.cudaFree(address)
        return namedtupledict("Outputs", self._outputs)(*results)

    def _bind_inputs(self, feed: Mapping[str, Array], memory: list[int]) -> None:
        for name in self._inputs:
            dtype = _numpy_type(self._engine.get_tensor_dtype(name))
            array = np.ascontiguousarray(feed[name]).astype(dtype, copy=False).reshape(np.shape(feed[name]))
            if not self._context.set_input_shape(name, array.shape):
                raise RuntimeError("\n".join(self._log.lines))
            address = self._allocate(array.nbytes, memory)
            if array.nbytes:
                cudart.cudaMemcpy(
                    address,
                    array.view(np.uint8) if array.ndim else array,
                    array.nbytes,
                    cudart.cudaMemcpyKind.cudaMemcpyHostToDevice,
                )
            self._context.set_tensor_address(name, address)

    def _bind_outputs(self, memory: list[int]) -> None:
        for name in self._outputs:
            shape = tuple(self._context.get_tensor_shape(name))
            if min(shape, default=0) < 0:
                self._context.set_tensor_address(name, 0)  # the context finds memory when it knows the size
                continue
            size = int(np.prod(shape)) * _numpy_type(self._engine.get_tensor_dtype(name)).itemsize
            self._context.set_tensor_address(name, self._allocate(size, memory))

    @staticmethod
    def _allocate(size: int, memory: list[int]) -> int:
        error, address = cudart.cudaMalloc(max(size, 1))
        if error != 0:
            raise MemoryError(f"{size} bytes of device memory: {cudart.cudaGetErrorString(error)[1]!r}")
        memory.append(int(address))
        return int(address)

    def _fetch(self, name: str) -> Array:
        result: Array = np.empty(
            tuple(self._context.get_tensor_shape(name)), _numpy_type(self._engine.get_tensor_dtype(name))
        )
        if result.nbytes:
            cudart.cudaMemcpy(
                result.view(np.uint8) if result.ndim else result,
                self._context.get_tensor_address(name),
                result.nbytes,
                cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost,
            )
        return result.astype(np.float64) if name in self._doubles and result.dtype == np.float32 else result


def _as_list(inputs: Any) -> Sequence[Array]:
    return inputs if isinstance(inputs, (list, tuple)) else [inputs]


class TensorVKBackend(Backend):
    """``onnx.backend.base.Backend`` on TensorVK's current device, whatever that is: "CPU" and "CUDA" name no other."""

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> TensorVKRep:
        return TensorVKRep(model, **kwargs)

    @classmethod
    def run_model(cls, model: ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> Any:
        return cls.prepare(model, device).run(inputs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device.split(":")[0] in ("CPU", "CUDA")


prepare = TensorVKBackend.prepare
run_model = TensorVKBackend.run_model
supports_device = TensorVKBackend.supports_device
