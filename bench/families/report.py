"""The table and the numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from bench.gpu.surroundings import Surroundings
from bench.limits import Machine

from .timing import Timed

Failure = tuple[str, str]  # which layer, and why


def markdown(found: Surroundings, machines: Mapping[str, Machine], timed: list[Timed], failed: list[Failure]) -> str:
    lines = [found.sentences(), "", *_limits(machines), ""]
    lines += [
        "| family | layer | type | tactics | ms | GFLOP/s | GB/s | of the limit | around it, ms |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_line(layer, machines.get(layer.precision)) for layer in timed),
        "",
        *(f"- {name}: failed: {reason}" for name, reason in failed),
    ]
    return "\n".join(lines).rstrip() + "\n"


def share(layer: Timed, machine: Machine | None) -> float | None:
    """Of the layer's time, what the device would need at its best. None if there is no product of the type."""
    return None if machine is None else machine.shortest_ms(layer.flops, layer.bytes) / layer.ms


def write_json(
    path: Path, found: Surroundings, machines: Mapping[str, Machine], timed: list[Timed], failed: list[Failure]
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    layers = [{**asdict(layer), "share": share(layer, machines.get(layer.precision))} for layer in timed]
    limits = {precision: asdict(machine) for precision, machine in machines.items()}
    path.write_text(
        json.dumps({**asdict(found), "limits": limits, "layers": layers, "failed": failed}, indent=2) + "\n"
    )


def _limits(machines: Mapping[str, Machine]) -> list[str]:
    rates = ", ".join(f"{name} {each.flops / 1e9:.0f} GFLOP/s ({each.product})" for name, each in machines.items())
    copy = max((machine.bandwidth for machine in machines.values()), default=0.0)
    return [f"The fastest matrix products: {rates}; a copy: {copy / 1e9:.1f} GB/s."]


def _line(layer: Timed, machine: Machine | None) -> str:
    part = share(layer, machine)
    rate = f"{layer.flops / layer.ms / 1e6:.0f}" if layer.flops else ""
    return (
        f"| {layer.family} | {layer.name} | {layer.precision} | {layer.tactics} | {layer.ms:.4g} | {rate} "
        f"| {layer.bytes / layer.ms / 1e6:.1f} | {'' if part is None else f'{part:.0%}'} "
        f"| {f'{layer.around_ms:.3g}' if layer.around_ms else ''} |"
    )
