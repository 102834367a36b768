"""What one engine measured in one round."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    alone_ms: float  # median of inferences that were waited for one by one
    stream_ms: float  # of one of many that were enqueued one behind the other
