"""One layer: its network is built, run with random data, and timed by the profiler on the device."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorvk as trt
from tensorvk import cudart
from tensorvk.demo.device import check

from bench.layers import layers_of
from bench.profiling import LayerTimes, describe

from .sketch import MEASURED, Sketch
from .table import Micro, Size

MIN_RUNS = 5
WARM_UP = 0.3  # share of the time: GPUs raise their clocks


@dataclass(frozen=True)
class Timed:
    """Of one layer in one type."""

    family: str
    name: str
    precision: str
    tactics: str  # of the kernels that it became
    ms: float  # median, on the device
    best_ms: float
    around_ms: float  # of conversions that the compiler put before and behind it
    flops: int
    bytes: int  # that it reads and writes, each once


def measure(micro: Micro, precision: str, size: Size, level: int, seconds: float) -> Timed:
    """Raises RuntimeError with what the builder said."""
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    sketch = Sketch(builder.create_network(0), precision)
    flops = micro.draw(sketch, size)
    plan = builder.build_serialized_network(sketch.network, _config(builder, precision, level))
    engine = None if plan is None else trt.Runtime(logger).deserialize_cuda_engine(plan)
    if engine is None:
        raise RuntimeError("the builder made no engine; its messages are above")
    context = engine.create_execution_context()
    pointers = [_tensor(engine, index, sketch.limits) for index in range(engine.num_io_tensors)]
    try:
        runs = _runs(context, pointers, seconds)
    finally:
        for pointer in pointers:
            check(cudart.cudaFree(pointer))
    own = [name for name in runs[0] if MEASURED in name] or list(runs[0])
    times = [sum(run[name] for name in own) for run in runs]
    tactics = Counter(layer.tactic for layer in layers_of(describe(engine, context)) if layer.name in own)
    return Timed(
        family=micro.family,
        name=micro.name,
        precision=precision,
        tactics=", ".join(f"{count} {name}" if count > 1 else name for name, count in tactics.items()),
        ms=float(np.median(times)),
        best_ms=min(times),
        around_ms=float(np.median([sum(run.values()) - own_ms for run, own_ms in zip(runs, times, strict=True)])),
        flops=flops,
        bytes=sketch.bytes,
    )


def _config(builder: trt.Builder, precision: str, level: int) -> trt.IBuilderConfig:
    config = builder.create_builder_config()
    config.builder_optimization_level = level
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if precision != "fp32":
        config.set_flag(trt.BuilderFlag.FP16)
    return config


def _runs(context: trt.IExecutionContext, pointers: list[int], seconds: float) -> list[dict[str, float]]:
    """Milliseconds of each layer, run by run."""
    times = LayerTimes()
    context.profiler = times
    runs: list[dict[str, float]] = []
    started = time.perf_counter()
    warm = 0  # runs that do not count
    while len(runs) - warm < MIN_RUNS or time.perf_counter() - started < seconds:
        times.ms = {}
        if not context.execute_v2(pointers):
            raise RuntimeError("the layer could not be run; the message is above")
        runs.append(times.ms)
        if time.perf_counter() - started < WARM_UP * seconds or len(runs) == 1:
            warm = len(runs)
    return runs[warm:]


def _tensor(engine: trt.ICudaEngine, index: int, limits: dict[str, int]) -> int:
    """Device memory; an input's is full of random numbers."""
    name = engine.get_tensor_name(index)
    shape, dtype = tuple(engine.get_tensor_shape(name)), np.dtype(trt.nptype(engine.get_tensor_dtype(name)))
    count = int(np.prod(shape, dtype=np.int64))
    pointer = int(check(cudart.cudaMalloc(count * dtype.itemsize)))
    if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
        numbers = _random(count, dtype, limits.get(name))
        kind = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        check(cudart.cudaMemcpy(pointer, numbers.ctypes.data, numbers.nbytes, kind))
    return pointer


def _random(count: int, dtype: Any, limit: int | None) -> npt.NDArray[np.generic]:
    """A million of them, again and again."""
    generator = np.random.default_rng(2)
    some = min(count, 1 << 20)
    if limit is not None:
        numbers = generator.integers(0, limit, some)
    elif np.issubdtype(dtype, np.integer):
        numbers = generator.integers(-100, 100, some)
    else:
        numbers = generator.standard_normal(some, np.float32)
    return np.resize(numbers.astype(dtype), count)
