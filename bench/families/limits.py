"""What the device can do at best: its fastest matrix product of each type, and its fastest copy."""

from __future__ import annotations

from collections.abc import Iterable

from tensorvk import cudart
from tensorvk.demo.device import check

from bench.limits import Machine

from .table import SMALL, Size
from .timing import Timed

COPIED = {True: 1 << 26, False: 1 << 28}  # bytes, on a small device and on others: more than caches hold
TRIES = 10
OURS = "ours"


def bandwidth(size: Size) -> float:
    """Bytes read and written a second, by events around copies from device memory to device memory."""
    count = COPIED[size == SMALL]
    source, target = (int(check(cudart.cudaMalloc(count))) for _ in range(2))
    stream = check(cudart.cudaStreamCreate())
    before, after = check(cudart.cudaEventCreate()), check(cudart.cudaEventCreate())
    times = []
    for _ in range(TRIES):
        check(cudart.cudaEventRecord(before, stream))
        check(cudart.cudaMemcpyAsync(target, source, count, cudart.cudaMemcpyKind.cudaMemcpyDeviceToDevice, stream))
        check(cudart.cudaEventRecord(after, stream))
        check(cudart.cudaStreamSynchronize(stream))
        times.append(float(check(cudart.cudaEventElapsedTime(before, after))))
    for pointer in (source, target):
        check(cudart.cudaFree(pointer))
    for event in (before, after):
        check(cudart.cudaEventDestroy(event))
    check(cudart.cudaStreamDestroy(stream))
    return 2 * count / min(times) * 1000


def machines(timed: Iterable[Timed], copy: float, others: dict[str, float]) -> dict[str, Machine]:
    """By type: the fastest of our products (their best times), or of another library's."""
    best: dict[str, Machine] = {}
    for layer in timed:
        rate = 1000 * layer.flops / layer.best_ms if layer.family == "product" else 0.0
        if rate > 0 and (layer.precision not in best or rate > best[layer.precision].flops):
            best[layer.precision] = Machine(rate, copy, OURS)
    for precision, rate in others.items():
        if precision in best and rate > best[precision].flops:
            best[precision] = Machine(rate, copy, "torch")
    return best
