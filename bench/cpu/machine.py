"""What the machine can do at best, measured: multiplications and additions a second, and bytes a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

EDGE = 2048  # of the matrices; 3 x 16 MB
COPIED = 1 << 28  # bytes: more than caches hold
TRIES = 8


@dataclass(frozen=True)
class Machine:
    """Of as many threads as this process may use."""

    flops: float  # a second, fp32
    bandwidth: float  # bytes read and written a second, in memory: tensors that lie in a cache can be faster
    product: str  # the library whose matrix product was the measure

    def shortest_ms(self, flops: float, size: float) -> float:
        """Of a layer that does nothing but what it has to, operations and traffic at the same time."""
        return 1000 * max(flops / self.flops, size / self.bandwidth)


def measure(threads: int) -> Machine:
    product, library = matrix_product(threads)
    return Machine(2 * EDGE**3 / fastest(product), 2 * COPIED / fastest(copy(threads)), library)


def copy(threads: int) -> Callable[[], object]:
    """Each thread copies its part; numpy lets them run side by side."""
    source, target = (np.ones((threads, COPIED // 4 // threads), np.float32) for _ in range(2))
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(np.copyto, target, source))


def matrix_product(threads: int) -> tuple[Callable[[], object], str]:
    """PyTorch's where it is installed, else numpy's."""
    try:
        import torch
    except ModuleNotFoundError:
        a, b = np.ones((2, EDGE, EDGE), np.float32)
        return lambda: a @ b, "numpy"
    torch.set_num_threads(threads)
    x, y = torch.ones(2, EDGE, EDGE)
    return lambda: torch.mm(x, y), "torch"


def fastest(call: Callable[[], object]) -> float:
    """Seconds of the best of some calls."""
    call()
    times = []
    for _ in range(TRIES):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)
