"""TensorVK as an ONNX backend: the standard ``onnx.backend.base`` interface, so that ``onnx.backend.test`` can run it.

    import onnx, tensorvk.onnx_backend as backend
    outputs = backend.prepare(onnx.load("model.onnx")).run([x])

Needs the ``onnx`` package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto
from onnx.backend.base import Backend, BackendRep, namedtupledict

import tensorvk as trt
from tensorvk import cudart
from tensorvk.demo.device import check

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


def _refusal(errors: Sequence[Any]) -> RuntimeError:
    """Something invalid beside what is not offered makes the model invalid."""
    unsupported = all(error.code().name.startswith("UNSUPPORTED_") for error in errors)
    return (UnsupportedModel if unsupported else RuntimeError)("\n".join(error.desc() for error in errors))


def _converted(name: str, given: Any, dtype: np.dtype[Any]) -> Array:
    """As an input's type, row-major. TypeError where that may change a number, but for double, which engines compute
    with float32."""
    array = np.asarray(given)
    narrowed = array.dtype == np.float64 and dtype == np.float32
    if not narrowed and not np.can_cast(array.dtype, dtype, "safe"):
        raise TypeError(
            f"Input {name!r} was given as {array.dtype}, which {dtype} does not hold without loss; "
            f"convert it with .astype({str(dtype)!r}) if that is meant."
        )
    return np.require(array, dtype, "C")


class TensorVKRep(BackendRep):
    """A model, ready to run. Shapes of dynamic inputs may change from run to run.

    ``configure`` is given the builder's configuration before the build."""

    def __init__(self, model: ModelProto, level: int = 0, configure: Callable[[Any], None] | None = None) -> None:
        self._log = _Log()
        builder = trt.Builder(self._log)
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
        parser = trt.OnnxParser(network, self._log)
        if not parser.parse(model.SerializeToString()):
            raise _refusal([parser.get_error(i) for i in range(parser.num_errors)])
        config = builder.create_builder_config()
        config.builder_optimization_level = level
        if configure is not None:
            configure(config)
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
        """``inputs``: numpy arrays in the model's order, or by name, in types that the inputs hold without loss (double
        is computed with float32). Returns a tuple with the outputs' names.

        Raises ValueError for inputs that are missing or not the model's, TypeError for a type, RuntimeError when the
        run fails, MemoryError when the device has not enough memory.
        """
        if kwargs:
            raise TypeError(f"A run has no options; given: {', '.join(kwargs)}.")
        feed = self._by_name(inputs)
        memory: list[int] = []
        self._log.lines.clear()
        try:
            self._bind_inputs(feed, memory)
            self._bind_outputs(memory)
            self._expect(self._context.execute_async_v3(0))
            check(cudart.cudaStreamSynchronize(0))
            results = [self._fetch(name) for name in self._outputs]
        finally:
            for address in memory:
                cudart.cudaFree(address)
        return namedtupledict("Outputs", self._outputs)(*results)

    def _by_name(self, inputs: Any) -> Mapping[str, Any]:
        """Each input of the model and nothing else."""
        names = ", ".join(self._inputs) or "none"
        if not isinstance(inputs, Mapping):
            arrays = inputs if isinstance(inputs, (list, tuple)) else [inputs]
            if len(arrays) != len(self._inputs):
                raise ValueError(f"{len(arrays)} inputs were given; the model's are {names}: {len(self._inputs)}.")
            return dict(zip(self._inputs, arrays, strict=True))
        missing = [name for name in self._inputs if name not in inputs]
        unknown = [str(name) for name in inputs if name not in self._inputs]
        if missing or unknown:
            faults = [f"{what}: {', '.join(of)}" for what, of in (("missing", missing), ("unknown", unknown)) if of]
            raise ValueError(f"The inputs given are not the model's ({'; '.join(faults)}); its inputs are {names}.")
        return inputs

    def _expect(self, succeeded: bool) -> None:
        """After a call of the context: RuntimeError with what it logged."""
        if not succeeded:
            raise RuntimeError("\n".join(self._log.lines))

    def _bind_inputs(self, feed: Mapping[str, Any], memory: list[int]) -> None:
        for name in self._inputs:
            array = _converted(name, feed[name], _numpy_type(self._engine.get_tensor_dtype(name)))
            self._expect(self._context.set_input_shape(name, array.shape))
            address = self._allocate(array.nbytes, memory)
            _copy(address, _bytes(array), array.nbytes, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)
            self._expect(self._context.set_tensor_address(name, address))

    def _bind_outputs(self, memory: list[int]) -> None:
        for name in self._outputs:
            shape = tuple(self._context.get_tensor_shape(name))
            if min(shape, default=0) < 0:
                address = 0  # the context finds memory when it knows the size
            else:
                size = int(np.prod(shape)) * _numpy_type(self._engine.get_tensor_dtype(name)).itemsize
                address = self._allocate(size, memory)
            self._expect(self._context.set_tensor_address(name, address))

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
        address = self._context.get_tensor_address(name)
        _copy(_bytes(result), address, result.nbytes, cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost)
        return result.astype(np.float64) if name in self._doubles and result.dtype == np.float32 else result


def _bytes(array: Array) -> Array:
    """The same memory. Types that numpy itself does not know are no buffers."""
    return array.reshape(-1).view(np.uint8)


def _copy(target: Any, source: Any, size: int, kind: Any) -> None:
    if size:
        check(cudart.cudaMemcpy(target, source, size, kind))


class TensorVKBackend(Backend):
    """``onnx.backend.base.Backend`` on TensorVK's current device, whatever that is: "CPU" and "CUDA" name no other."""

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> TensorVKRep:
        return TensorVKRep(model, **kwargs)

    @classmethod
    def run_model(cls, model: ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> Any:
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device.split(":")[0] in ("CPU", "CUDA")


prepare = TensorVKBackend.prepare
run_model = TensorVKBackend.run_model
supports_device = TensorVKBackend.supports_device
