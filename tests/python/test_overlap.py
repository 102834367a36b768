"""Contexts on streams of their own upload, compute and download: none sees another's data, or unfinished ones."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import tensorvk as trt
from engines import CollectingLogger
from tensorvk import cudart

H2D = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
D2H = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
ROWS, COLUMNS = 515, 1021  # two megabytes: copies that a transfer queue takes, where there is one
STREAMS, ROUNDS = 3, 15


def checked(call: tuple[Any, ...]) -> Any:
    assert call[0] == cudart.cudaError_t.cudaSuccess, cudart.cudaGetLastErrorMessage()
    return call[1] if len(call) > 1 else None


def built_engine(logger: Any) -> Any:
    """y = x + the softmax of 2 * x along columns, on which transposes and the softmax wait for each other."""
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    x = network.add_input("x", trt.float32, (ROWS, COLUMNS))
    turned = network.add_shuffle(network.add_elementwise(x, x, trt.ElementWiseOperation.SUM).get_output(0))
    turned.first_transpose = (1, 0)
    softmax = network.add_softmax(turned.get_output(0))
    softmax.axes = 1 << 1
    back = network.add_shuffle(softmax.get_output(0))
    back.first_transpose = (1, 0)
    y = network.add_elementwise(x, back.get_output(0), trt.ElementWiseOperation.SUM).get_output(0)
    y.name = "y"
    network.mark_output(y)
    plan = builder.build_serialized_network(network, builder.create_builder_config())
    assert plan is not None, logger.errors()
    return trt.Runtime(logger).deserialize_cuda_engine(plan)


def expected(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    exponentials = np.exp(2.0 * x.astype(np.float64))
    return np.asarray(x + exponentials / exponentials.sum(axis=0, keepdims=True))


class Lane:
    """A context with its stream, memory and pinned memory."""

    def __init__(self, engine: Any) -> None:
        self.context = engine.create_execution_context()
        self.bytes = ROWS * COLUMNS * 4
        self.stream = checked(cudart.cudaStreamCreateWithFlags(cudart.cudaStreamNonBlocking))
        self.x, self.y = (checked(cudart.cudaMalloc(self.bytes)) for _ in range(2))
        self.up_address, self.down_address = (checked(cudart.cudaMallocHost(self.bytes)) for _ in range(2))
        self.up, self.down = (self.array(address) for address in (self.up_address, self.down_address))
        assert self.context.set_tensor_address("x", self.x) and self.context.set_tensor_address("y", self.y)

    def array(self, address: int) -> np.ndarray[Any, Any]:
        pointer = ctypes.cast(address, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(pointer, shape=(ROWS, COLUMNS))

    def enqueue(self) -> None:
        checked(cudart.cudaMemcpyAsync(self.x, self.up_address, self.bytes, H2D, self.stream))
        assert self.context.execute_async_v3(self.stream)
        checked(cudart.cudaMemcpyAsync(self.down_address, self.y, self.bytes, D2H, self.stream))

    def free(self) -> None:
        for address in (self.x, self.y):
            checked(cudart.cudaFree(address))
        for address in (self.up_address, self.down_address):
            checked(cudart.cudaFreeHost(address))
        checked(cudart.cudaStreamDestroy(self.stream))


def test_streams_upload_compute_and_download_beside_each_other() -> None:
    engine = built_engine(CollectingLogger())
    random = np.random.default_rng(7)
    inputs = [random.standard_normal((ROWS, COLUMNS), dtype=np.float32) * 3 for _ in range(4)]
    answers = [expected(x) for x in inputs]
    lanes = [Lane(engine) for _ in range(STREAMS)]
    for turn in range(ROUNDS):
        chosen = [(turn + i) % len(inputs) for i in range(STREAMS)]
        for lane, which in zip(lanes, chosen, strict=True):
            lane.up[:] = inputs[which]
            lane.down[:] = -1.0
            lane.enqueue()
            lane.enqueue()  # behind the first, which reads and writes the same memory
        for lane, which in zip(lanes, chosen, strict=True):
            checked(cudart.cudaStreamSynchronize(lane.stream))
            # Exponentials and a sum of hundreds of them in float32, at most 1; inputs differ by about 3.
            np.testing.assert_allclose(lane.down, answers[which], rtol=1e-5, atol=1e-5)
    for lane in lanes:
        lane.free()
