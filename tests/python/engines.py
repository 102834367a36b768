"""What tests need again and again: an ONNX model to an engine, an engine on numpy arrays, errors as one number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorvk as trt
from tensorvk import cudart

from bench.arrays import largest_difference, largest_magnitude

Array = np.ndarray[Any, Any]
Shapes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


class CollectingLogger(trt.ILogger):
    """Keeps messages, so that a failing test can show them."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.messages: list[tuple[Any, str]] = []

    def log(self, severity: Any, message: str) -> None:
        self.messages.append((severity, message))

    def errors(self) -> list[str]:
        return [text for severity, text in self.messages if severity <= trt.ILogger.Severity.ERROR]


def build_plan(
    model: bytes,
    profile: Mapping[str, Shapes] | None = None,
    *,
    fp16: bool = False,
    bf16: bool = False,
    cache: Any = None,
    level: int | None = None,
    sources: int | None = None,
) -> bytes:
    """Serialized plan of an ONNX model; fails the test with the logged errors when it cannot be built."""
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, logger)
    assert parser.parse(model), [str(parser.get_error(i)) for i in range(parser.num_errors)]
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if fp16:
        config.set_flag(trt.BuilderFlag.FP16)
    if bf16:
        config.set_flag(trt.BuilderFlag.BF16)
    if level is not None:
        config.builder_optimization_level = level
    if sources is not None:
        config.set_tactic_sources(sources)
    if cache is not None:
        config.set_timing_cache(config.create_timing_cache(cache), False)
    if profile:
        shapes = builder.create_optimization_profile()
        for name, (low, opt, high) in profile.items():
            shapes.set_shape(name, low, opt, high)
        config.add_optimization_profile(shapes)
    plan = builder.build_serialized_network(network, config)
    assert plan is not None, logger.errors()
    return bytes(plan)


def load(plan: bytes) -> Any:
    logger = CollectingLogger()
    engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
    assert engine is not None, logger.errors()
    return engine


def infer(context: Any, feed: Mapping[str, Array]) -> dict[str, Array]:
    """One inference through device memory: every input in, every output out."""
    engine = context.engine
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    memory: dict[str, int] = {}
    outputs: dict[str, Array] = {}
    unknown: list[str] = []
    try:
        for name in names:
            if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
                assert context.set_input_shape(name, feed[name].shape), f"shape {feed[name].shape} of {name} refused"
        for name in names:
            is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            if not is_input and min(context.get_tensor_shape(name), default=0) < 0:
                unknown.append(name)  # the context finds memory when it knows the size
                continue
            array = (
                np.ascontiguousarray(feed[name])
                if is_input
                else np.empty(tuple(context.get_tensor_shape(name)), trt.nptype(engine.get_tensor_dtype(name)))
            )
            error, memory[name] = cudart.cudaMalloc(max(array.nbytes, 1))
            assert error == cudart.cudaError_t.cudaSuccess
            if is_input:
                (error,) = cudart.cudaMemcpy(
                    memory[name], array, array.nbytes, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
                )
                assert error == cudart.cudaError_t.cudaSuccess
            else:
                outputs[name] = array
        assert context.execute_v2([memory.get(name, 0) for name in names])
        for name in unknown:
            dtype = trt.nptype(engine.get_tensor_dtype(name))
            outputs[name] = np.empty(tuple(context.get_tensor_shape(name)), dtype)
        for name, array in outputs.items():
            address = memory[name] if name in memory else context.get_tensor_address(name)
            (error,) = cudart.cudaMemcpy(array, address, array.nbytes, cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost)
            assert error == cudart.cudaError_t.cudaSuccess
    finally:
        for address in memory.values():
            cudart.cudaFree(address)
    return outputs


def run_once(model: bytes, feed: Mapping[str, Array], **options: Any) -> dict[str, Array]:
    engine = load(build_plan(model, **options))
    return infer(engine.create_execution_context(), feed)


def repeated(arrays: Iterable[Array | None]) -> list[int]:
    """Positions of floating-point arrays with the numbers of an earlier one: in a test's operands, whose order then
    changes nothing."""
    seen: set[tuple[tuple[int, ...], bytes]] = set()
    found = []
    for i, array in enumerate(arrays):
        if array is None or array.dtype.kind != "f" or array.size < 2:
            continue
        key = (array.shape, array.tobytes())
        found += [i] if key in seen else []
        seen.add(key)
    return found


def relative_error(result: Array, reference: Array) -> float:
    """Over the reference's largest finite magnitude; infinity where shapes, NaNs or infinities differ."""
    return largest_difference(result, reference) / largest_magnitude([reference])
