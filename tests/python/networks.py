"""Networks built by calls, run on numpy arrays. An output allocator gives the outputs' memory: shapes may be data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
import tensorvk as trt
from engines import CollectingLogger
from onnx import helper
from tensorvk import cudart

Array = np.ndarray[Any, Any]
Shapes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


class Allocator(trt.IOutputAllocator):
    """Memory that grows; remembers what it was told."""

    def __init__(self) -> None:
        trt.IOutputAllocator.__init__(self)
        self.memory: dict[str, tuple[int, int]] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.calls: list[tuple[str, str]] = []

    def reallocate_output(self, tensor_name: str, memory: int, size: int, alignment: int) -> int:
        self.calls.append(("reallocate_output", tensor_name))
        address, held = self.memory.get(tensor_name, (0, 0))
        if held < max(size, 1):
            cudart.cudaFree(address)
            error, address = cudart.cudaMalloc(max(size, 1))
            assert error == cudart.cudaError_t.cudaSuccess
            self.memory[tensor_name] = (address, max(size, 1))
        return address

    def notify_shape(self, tensor_name: str, shape: Any) -> None:
        self.calls.append(("notify_shape", tensor_name))
        self.shapes[tensor_name] = tuple(shape)

    def array(self, name: str, dtype: Any) -> Array:
        result = np.empty(self.shapes[name], trt.nptype(dtype))
        (error,) = cudart.cudaMemcpy(
            result, self.memory[name][0], result.nbytes, cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        )
        assert error == cudart.cudaError_t.cudaSuccess
        return result

    def free(self) -> None:
        for address, _ in self.memory.values():
            cudart.cudaFree(address)
        self.memory.clear()


class Shop:
    """A network with its logger: add layers to `network`, mark outputs with `output`, then `run`."""

    def __init__(self) -> None:
        self.logger = CollectingLogger()
        self.builder = trt.Builder(self.logger)
        self.network: Any = self.builder.create_network(0)
        self.config = self.builder.create_builder_config()
        self.config.builder_optimization_level = 0
        self.profile = self.builder.create_optimization_profile()
        self.profiled = False
        self.engine: Any = None

    def input(self, *shape: int, name: str = "x", dtype: Any = trt.float32, profile: Shapes | None = None) -> Any:
        if profile is not None:
            self.profile.set_shape(name, *profile)
            self.profiled = True
        return self.network.add_input(name, dtype, shape)

    def constant(self, array: Any, dtype: Any = None) -> Any:
        array = np.array(array, dtype, order="C")
        return self.network.add_constant(array.shape, array).get_output(0)

    def output(self, tensor: Any, name: str = "y") -> Any:
        tensor.name = name
        self.network.mark_output(tensor)
        return tensor

    def elementwise(self, a: Any, b: Any, op: Any = trt.ElementWiseOperation.SUM) -> Any:
        return self.network.add_elementwise(a, b, op).get_output(0)

    def error(self) -> str:
        """The sentence of the latest failure."""
        errors = self.logger.errors()
        return errors[-1] if errors else ""

    def build(self) -> Any:
        if self.profiled:
            self.config.add_optimization_profile(self.profile)
        plan = self.builder.build_serialized_network(self.network, self.config)
        assert plan is not None, self.logger.errors()
        self.engine = trt.Runtime(self.logger).deserialize_cuda_engine(plan)
        assert self.engine is not None, self.logger.errors()
        return self.engine

    def run(self, feed: Mapping[str, Any] | None = None) -> dict[str, Array]:
        if self.engine is None:
            self.build()
        return run(self.engine, feed or {}, self.logger)


def run(engine: Any, feed: Mapping[str, Any], logger: CollectingLogger) -> dict[str, Array]:
    context = engine.create_execution_context()
    allocator = Allocator()
    inputs: list[int] = []
    try:
        for i in range(engine.num_io_tensors):
            name = engine.get_tensor_name(i)
            if engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT:
                assert context.set_output_allocator(name, allocator)
                continue
            array = np.array(feed[name], order="C")
            assert array.dtype == trt.nptype(engine.get_tensor_dtype(name)), f"{name} is fed as {array.dtype}"
            assert context.set_input_shape(name, array.shape), logger.errors()
            error, address = cudart.cudaMalloc(max(array.nbytes, 1))
            assert error == cudart.cudaError_t.cudaSuccess
            inputs.append(address)
            cudart.cudaMemcpy(address, array, array.nbytes, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)
            assert context.set_tensor_address(name, address)
        assert context.execute_async_v3(0), logger.errors()
        cudart.cudaDeviceSynchronize()
        return {name: allocator.array(name, engine.get_tensor_dtype(name)) for name in allocator.shapes}
    finally:
        allocator.free()
        for address in inputs:
            cudart.cudaFree(address)


def f32(*shape: int, seed: int = 0) -> Array:
    """The same numbers for the same shape and seed: operands of one layer take different seeds."""
    return np.random.default_rng([seed, *shape]).uniform(-1, 1, shape).astype(np.float32)


def reference(op: str, feed: dict[str, Array], outputs: int = 1, **attributes: Any) -> list[Array]:
    """ONNX Runtime's answer for one node; absent inputs are None."""
    names = [f"i{i}" if array is not None else "" for i, array in enumerate(feed.values())]
    given = {n: a for n, a in zip(names, feed.values(), strict=True) if n}
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in given.items()
    ]
    ends = [helper.make_empty_tensor_value_info(f"o{i}") for i in range(outputs)]
    node = helper.make_node(op, names, [e.name for e in ends], **attributes)
    graph = helper.make_graph([node], "g", inputs, ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(a) for a in session.run(None, given)]
