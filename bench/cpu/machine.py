"""What the machine can do at best, measured: multiplications and additions a second, and bytes a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bench.limits import Machine

EDGE = 2048  # of the matrices; 3 x 16 MB
COPIED = 1 << 28  # bytes: more than caches hold
TRIES = 8


def measure(threads: int) -> Machine:
    """The best of the matrix products that are installed: one library may know the processor better than another."""
    seconds = {library: fastest(product) for library, product in matrix_products(threads).items()}
    library = min(seconds, key=seconds.__getitem__)
    return Machine(2 * EDGE**3 / seconds[library], 2 * COPIED / fastest(copy(threads)), library)


def copy(threads: int) -> Callable[[], object]:
    """Each thread copies its part; numpy lets them run side by side."""
    source, target = (np.ones((threads, COPIED // 4 // threads), np.float32) for _ in range(2))
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(np.copyto, target, source))


def matrix_products(threads: int) -> dict[str, Callable[[], object]]:
    a, b = np.ones((2, EDGE, EDGE), np.float32)
    products: dict[str, Callable[[], object]] = {"numpy": lambda: a @ b}
    try:
        import torch
    except ModuleNotFoundError:
        return products
    torch.set_num_threads(threads)
    x, y = torch.ones(2, EDGE, EDGE)
    return {**products, "torch": lambda: torch.mm(x, y)}


def fastest(call: Callable[[], object]) -> float:
    """Seconds of the best of some calls."""
    call()
    times = []
    for _ in range(TRIES):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)
