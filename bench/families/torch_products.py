"""PyTorch's matrix products on a CUDA device, operations a second as JSON: `python -m bench.families.torch_products N`.

Nothing where there is no such device. Ours are measured against them: they would else be their own limit.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import torch

TRIES = 20


def rates(edge: int, device: str) -> dict[str, float]:
    torch.backends.cuda.matmul.allow_tf32 = False
    found = {}
    for precision, dtype in (("fp32", torch.float32), ("fp16", torch.float16), ("int8", torch.int8)):
        a, b = ((torch.rand(2, edge, edge, device=device) * 8).to(dtype)).unbind()
        multiply: Callable[..., torch.Tensor] = torch._int_mm if precision == "int8" else torch.mm
        try:
            found[precision] = 2 * edge**3 / fastest(multiply, a, b, device)
        except RuntimeError as refusal:  # not every device multiplies every type
            print(f"{precision}: {refusal}", file=sys.stderr)
    return found


def fastest(multiply: Callable[..., torch.Tensor], a: torch.Tensor, b: torch.Tensor, device: str) -> float:
    """Seconds."""
    times = []
    for _ in range(TRIES):
        started = time.perf_counter()
        multiply(a, b)
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    print(json.dumps(rates(int(sys.argv[1]), "cuda") if torch.cuda.is_available() else {}))
