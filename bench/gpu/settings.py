"""What all engines are told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    level: int = 3  # of our builder
    keep_plans: bool = False  # those of an earlier run are taken
