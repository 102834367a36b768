"""What a machine can do at best, and what a layer needs of it at least."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """A GPU, or as many processors as a process may use."""

    flops: float  # a second, of one type
    bandwidth: float  # bytes read and written a second, in memory: tensors that lie in a cache can be faster
    product: str  # whose matrix product was the measure

    def shortest_ms(self, flops: float, size: float) -> float:
        """Of a layer that does nothing but what it has to, operations and traffic at the same time."""
        return 1000 * max(flops / self.flops, size / self.bandwidth)
