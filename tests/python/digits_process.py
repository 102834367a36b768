"""A small classifier of digits in a process of its own, for tests of what its environment changes.

`build PLAN` builds and saves it, `run PLAN` loads it; both run it with a call that waits and in a stream, and print
what they saw as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorvk as trt
from engines import CollectingLogger
from tensorvk import cudart

Array = np.ndarray[Any, Any]
SHAPE = (2, 1, 28, 28)


def weights() -> dict[str, Array]:
    rng = np.random.default_rng(7)
    shapes = {"conv1": (8, 1, 5, 5), "conv2": (16, 8, 3, 3), "dense": (16 * 7 * 7, 10)}
    return {name: (rng.standard_normal(shape) / 5).astype(np.float32) for name, shape in shapes.items()}


def digits() -> Array:
    return np.random.default_rng(8).standard_normal(SHAPE).astype(np.float32)


def network(builder: Any) -> Any:
    made = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    values = weights()
    x = made.add_input("digits", trt.float32, SHAPE)
    for name, padding in (("conv1", 2), ("conv2", 1)):
        kernel = values[name]
        bias = np.zeros(kernel.shape[0], np.float32)
        layer = made.add_convolution_nd(x, kernel.shape[0], kernel.shape[2:], kernel, bias)
        layer.name = name
        layer.padding_nd = (padding, padding)
        x = made.add_activation(layer.get_output(0), trt.ActivationType.RELU).get_output(0)
        pool = made.add_pooling_nd(x, trt.PoolingType.MAX, (2, 2))
        pool.stride_nd = (2, 2)
        x = pool.get_output(0)
    flat = made.add_shuffle(x)
    flat.reshape_dims = (2, 16 * 7 * 7)
    constant = made.add_constant(values["dense"].shape, values["dense"]).get_output(0)
    no = trt.MatrixOperation.NONE
    x = made.add_matrix_multiply(flat.get_output(0), no, constant, no).get_output(0)
    last = made.add_softmax(x)
    last.axes = 1 << 1
    last.get_output(0).name = "classes"
    made.mark_output(last.get_output(0))
    return made


def run(engine: Any) -> list[Array]:
    """Results of one call that waits and of one in a stream whose copies are asynchronous."""
    context = engine.create_execution_context()
    given = digits()
    results = [np.zeros((2, 10), np.float32) for _ in range(2)]
    error, x = cudart.cudaMalloc(given.nbytes)
    assert error == cudart.cudaError_t.cudaSuccess
    error, y = cudart.cudaMalloc(results[0].nbytes)
    assert error == cudart.cudaError_t.cudaSuccess
    kind = cudart.cudaMemcpyKind
    cudart.cudaMemcpy(x, given, given.nbytes, kind.cudaMemcpyHostToDevice)
    assert context.execute_v2([x, y])
    cudart.cudaMemcpy(results[0], y, results[0].nbytes, kind.cudaMemcpyDeviceToHost)
    _, stream = cudart.cudaStreamCreate()
    cudart.cudaMemsetAsync(y, 0, results[0].nbytes, stream)
    cudart.cudaMemcpyAsync(x, given, given.nbytes, kind.cudaMemcpyHostToDevice, stream)
    context.set_tensor_address("digits", x)
    context.set_tensor_address("classes", y)
    assert context.execute_async_v3(stream)
    cudart.cudaMemcpyAsync(results[1], y, results[1].nbytes, kind.cudaMemcpyDeviceToHost, stream)
    cudart.cudaStreamSynchronize(stream)
    return results


def main(verb: str, path: str) -> None:
    logger = CollectingLogger()
    seen: dict[str, Any] = {"devices": cudart.cudaGetDeviceCount()[1]}
    seen["device"] = cudart.cudaGetDeviceProperties(0)[1].name.decode()
    if verb == "build":
        builder = trt.Builder(logger)
        plan = builder.build_serialized_network(network(builder), builder.create_builder_config())
        if plan is not None:
            Path(path).write_bytes(plan)
    engine = trt.Runtime(logger).deserialize_cuda_engine(Path(path).read_bytes())
    if engine is not None:
        seen["results"] = [result.tolist() for result in run(engine)]
        second = trt.Runtime(logger).deserialize_cuda_engine(Path(path).read_bytes())
        seen["again"] = second is not None
    seen["messages"] = [text for severity, text in logger.messages if severity <= trt.ILogger.Severity.INFO]
    seen["errors"] = logger.errors()
    mapped = Path("/proc/self/maps").read_text().splitlines()
    seen["libraries"] = sorted({line.split()[-1] for line in mapped if "/" in line})
    print(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
