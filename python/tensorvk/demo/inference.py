"""Loads a plan and runs it on the demo's slices: `python -m tensorvk.demo.inference PLAN RESULT`.

The demo starts this as a second process, to show that a plan needs neither the model nor the builder. RESULT is an
.npz file with the probabilities (float32 [n, 1, 256, 256]); one JSON object with the timings goes to standard output.
Exit status 3 tells that the plan could not be loaded.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import tensorvk as trt
from tensorvk import cudart

from . import assets
from .device import check

EXIT_PLAN_REFUSED = 3
BATCHES = [1, 4]
WARM_UP_RUNS = 1
MIN_RUNS, MAX_RUNS = 5, 300
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Timing:
    """Times of one batch size in milliseconds, measured with events; from first copy in to last copy out."""

    batch: int
    runs: int
    median_ms: float
    p95_ms: float
    images_per_second: float
    copy_share: float  # of the median run, 0..1


class Segmenter:
    """An engine with one context, one stream and device memory for batches up to `max_batch`."""

    def __init__(self, plan: bytes, max_batch: int) -> None:
        self._logger = trt.Logger(trt.Logger.WARNING)
        engine = trt.Runtime(self._logger).deserialize_cuda_engine(plan)
        if engine is None:
            raise ValueError("the plan was refused; the message above says why")
        self._context = engine.create_execution_context()
        self._stream = check(cudart.cudaStreamCreate())
        self._events = [check(cudart.cudaEventCreate()) for _ in range(4)]
        pixels = int(np.prod(assets.IMAGE_SHAPE[1:]))
        self._input = check(cudart.cudaMalloc(max_batch * assets.IMAGE_SHAPE[0] * pixels * 4))
        self._output = check(cudart.cudaMalloc(max_batch * pixels * 4))
        self._context.set_tensor_address(assets.INPUT, self._input)
        self._context.set_tensor_address(assets.OUTPUT, self._output)

    def close(self) -> None:
        check(cudart.cudaStreamSynchronize(self._stream))
        for event in self._events:
            check(cudart.cudaEventDestroy(event))
        check(cudart.cudaFree(self._input))
        check(cudart.cudaFree(self._output))
        check(cudart.cudaStreamDestroy(self._stream))

    def run(self, images: Floats, probabilities: Floats) -> tuple[float, float]:
        """One inference with both copies; returns milliseconds: (all, copies alone)."""
        begin, copied_in, computed, end = self._events
        self._context.set_input_shape(assets.INPUT, images.shape)
        check(cudart.cudaEventRecord(begin, self._stream))
        to_device = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        check(cudart.cudaMemcpyAsync(self._input, images.ctypes.data, images.nbytes, to_device, self._stream))
        check(cudart.cudaEventRecord(copied_in, self._stream))
        if not self._context.execute_async_v3(int(self._stream)):
            raise RuntimeError("the engine could not be started; the message above says why")
        check(cudart.cudaEventRecord(computed, self._stream))
        to_host = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        check(
            cudart.cudaMemcpyAsync(probabilities.ctypes.data, self._output, probabilities.nbytes, to_host, self._stream)
        )
        check(cudart.cudaEventRecord(end, self._stream))
        check(cudart.cudaStreamSynchronize(self._stream))
        total = check(cudart.cudaEventElapsedTime(begin, end))
        kernels = check(cudart.cudaEventElapsedTime(copied_in, computed))
        return total, total - kernels

    def segment(self, images: Floats, batch: int) -> Floats:
        """Probabilities [n, 1, h, w] of all images, `batch` at a time (the last batch may be smaller)."""
        result = np.empty((len(images), 1, *assets.IMAGE_SHAPE[1:]), np.float32)
        for start in range(0, len(images), batch):
            part = slice(start, start + batch)
            self.run(np.ascontiguousarray(images[part]), result[part])
        return result

    def measure(self, images: Floats, seconds: float) -> Timing:
        """Runs one batch again and again for about `seconds`."""
        probabilities = np.empty((len(images), 1, *assets.IMAGE_SHAPE[1:]), np.float32)
        for _ in range(WARM_UP_RUNS):
            self.run(images, probabilities)
        times: list[tuple[float, float]] = []
        until = time.monotonic() + seconds
        while len(times) < MIN_RUNS or (time.monotonic() < until and len(times) < MAX_RUNS):
            times.append(self.run(images, probabilities))
        total, copies = np.array(times).T
        median = float(np.median(total))
        return Timing(
            batch=len(images),
            runs=len(times),
            median_ms=median,
            p95_ms=float(np.percentile(total, 95)),
            images_per_second=1000 * len(images) / median,
            copy_share=float(np.median(copies)) / median,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a plan of the demo's network on the demo's slices.")
    parser.add_argument("plan", type=Path)
    parser.add_argument("result", type=Path, help=".npz file to write")
    parser.add_argument("--batch", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--seconds", type=float, default=5, help="time to measure each batch size for")
    options = parser.parse_args()

    slices = assets.load_slices()
    started = time.monotonic()
    try:
        segmenter = Segmenter(options.plan.read_bytes(), max(options.batch))
    except ValueError as error:
        print(f"{options.plan}: {error}", file=sys.stderr)
        return EXIT_PLAN_REFUSED
    load_seconds = time.monotonic() - started
    results = {batch: segmenter.segment(slices.image, batch) for batch in options.batch}
    timings = [asdict(segmenter.measure(slices.image[:batch], options.seconds)) for batch in options.batch]
    segmenter.close()
    first = results[options.batch[0]]
    np.savez(options.result, probability=first)
    spread = max(float(np.abs(first - other).max()) for other in results.values())
    print(json.dumps({"load_seconds": load_seconds, "timings": timings, "batch_difference": spread}))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"TensorVK demo: {error}")
