"""What one inference costs beyond its kernels: an identity of four floats, run from Python many times."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorvk as trt
from tensorvk import cudart
from tensorvk.demo.device import check

ELEMENTS = 4
WARM_UP_RUNS = 100


@dataclass(frozen=True)
class Overhead:
    """Medians in microseconds over `runs` runs, and what memory the runs took in all."""

    runs: int
    execute_v2_us: float  # from the call to its return, which waits for the device
    kernels_us: float  # of it on the device: between two events, less what two events with nothing between them take
    enqueue_us: float  # execute_async_v3 alone: what the host pays when it doesn't wait
    host_growth_kib: int  # of the process's resident memory
    device_growth_bytes: int  # shrinking of the device's free memory

    @property
    def beyond_kernels_us(self) -> float:
        return self.execute_v2_us - self.kernels_us


def measure(runs: int = 1000) -> Overhead:
    """Builds the network, warms up, then measures. Raises RuntimeError if a call fails."""
    logger = trt.Logger(trt.Logger.ERROR)
    plan = _identity_plan(logger)
    engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
    context = engine.create_execution_context()
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    pointers = [int(check(cudart.cudaMalloc(ELEMENTS * 4))) for _ in names]
    for name, pointer in zip(names, pointers, strict=True):
        context.set_tensor_address(name, pointer)
    stream = check(cudart.cudaStreamCreate())
    before, after = check(cudart.cudaEventCreate()), check(cudart.cudaEventCreate())

    def synchronous() -> float:
        started = time.perf_counter()
        done = context.execute_v2(pointers)
        elapsed = time.perf_counter() - started
        if not done:
            raise RuntimeError("execute_v2 failed; the message is above")
        return elapsed

    def between_events(call: Callable[[], object]) -> tuple[float, float]:
        """Seconds that the call took on the host, and between two events around it on the device."""
        check(cudart.cudaEventRecord(before, stream))
        started = time.perf_counter()
        call()
        elapsed = time.perf_counter() - started
        check(cudart.cudaEventRecord(after, stream))
        check(cudart.cudaStreamSynchronize(stream))
        return elapsed, check(cudart.cudaEventElapsedTime(before, after)) * 1e-3

    def enqueue() -> None:
        context.execute_async_v3(int(stream))

    for _ in range(WARM_UP_RUNS):
        synchronous()
        between_events(enqueue)
    whole = np.empty(runs)
    free_before = check(cudart.cudaMemGetInfo())
    host_before = _resident_kib()
    for run in range(runs):
        whole[run] = synchronous()
    host_growth = _resident_kib() - host_before
    device_growth = free_before - check(cudart.cudaMemGetInfo())
    # In one loop, so that both meet the same machine.
    with_run, empty = np.array([(between_events(enqueue), between_events(lambda: None)) for _ in range(runs)]).swapaxes(
        0, 1
    )
    kernels = np.median(with_run[:, 1]) - np.median(empty[:, 1])

    for pointer in pointers:
        check(cudart.cudaFree(pointer))
    host_us = 1e6 * float(np.median(with_run[:, 0]))
    return Overhead(runs, 1e6 * float(np.median(whole)), 1e6 * float(kernels), host_us, host_growth, device_growth)


def markdown(result: Overhead) -> str:
    return "\n".join(
        [
            "| identity of 4 floats, from Python | median |",
            "|---|---|",
            f"| execute_v2, call to return | {result.execute_v2_us:.1f} us |",
            f"| of it kernels (between two events, less an empty pair) | {result.kernels_us:.1f} us |",
            f"| execute_v2 beyond its kernels | {result.beyond_kernels_us:.1f} us |",
            f"| execute_async_v3, call to return | {result.enqueue_us:.1f} us |",
            f"| {result.runs} runs: host memory grew by | {result.host_growth_kib} KiB |",
            f"| {result.runs} runs: device memory grew by | {result.device_growth_bytes} bytes |",
        ]
    )


def _identity_plan(logger: trt.Logger) -> bytes:
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    source = network.add_input("source", trt.float32, (ELEMENTS,))
    network.mark_output(network.add_identity(source).get_output(0))
    plan = builder.build_serialized_network(network, builder.create_builder_config())
    if plan is None:
        raise RuntimeError("the builder made no plan; its messages are above")
    return bytes(plan)


def _resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024
