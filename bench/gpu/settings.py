"""What all engines are told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    level: int = 3  # of our builder
    keep_plans: bool = False  # those of an earlier run are taken
    device: str | None = None  # name of the Vulkan device that all are to use, where they can choose
    patience_s: float = 900  # for an engine to be made, and for each of its blocks
