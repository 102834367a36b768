"""Each layer's time beside the machine's measured peak and bandwidth: `python -m bench.cpu.roofline`."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from bench.layers import Layer, layers_of
from bench.limits import Machine

from . import arguments, machine
from .cases import Case
from .engines import OURS, Settings, our_engine, plan_of
from .worker import in_own_process, milliseconds

RUNS = 15
WARM_UP_RUNS = 3


@dataclass(frozen=True)
class Timed:
    layer: Layer
    ms: float  # median


@dataclass(frozen=True)
class Roofline:
    case: str
    whole_ms: float  # an inference that is not timed layer by layer
    machine: Machine
    layers: list[Timed]


def main() -> int:
    parser = arguments.parser("python -m bench.cpu.roofline", __doc__)
    parser.add_argument("--engine", choices=OURS, default="tensorvk")
    parser.add_argument("--top", type=int, default=15, help="layers that are listed, the longest first (%(default)s)")
    options = parser.parse_args()
    settings = Settings(options.threads, options.level, options.plans)
    found = []
    for case in arguments.cases(options):
        found.append(in_own_process(options.threads, measure, options.engine, case, settings))
        print(markdown(found[-1], options.top) + "\n", flush=True)
    arguments.write_json(options.json, found)
    return 0


def measure(engine_name: str, case: Case, settings: Settings) -> Roofline:
    limits = machine.measure(settings.threads)
    engine = our_engine(engine_name, plan_of(engine_name, case, settings), case)
    for _ in range(WARM_UP_RUNS):
        engine(case.inputs)
    whole = [milliseconds(lambda: engine(case.inputs)) for _ in range(RUNS)]
    runs = [engine.layer_times(case.inputs) for _ in range(RUNS)]
    medians = {name: float(np.median([run[name] for run in runs])) for name in runs[0]}
    timed = [Timed(layer, medians.get(layer.name, 0.0)) for layer in layers_of(engine.describe())]
    return Roofline(case.name, float(np.median(whole)), limits, timed)


def markdown(roofline: Roofline, top: int) -> str:
    limits = roofline.machine
    lines = [
        f"{roofline.case}: {roofline.whole_ms:.3f} ms. Peak {limits.flops / 1e9:.0f} GFLOP/s ({limits.product}), "
        f"bandwidth {limits.bandwidth / 1e9:.1f} GB/s.",
        "",
        "| layer | tactic | ms | GFLOP/s | GB/s | of the roof |",
        "|---|---|---|---|---|---|",
    ]
    by_time = sorted(roofline.layers, key=lambda timed: -timed.ms)
    rest = by_time[top:]
    shown = [*by_time[:top], *([_sum(f"{len(rest)} others", rest)] if rest else []), _sum("all", by_time)]
    return "\n".join(lines + [_line(timed, limits) for timed in shown])


def _sum(name: str, several: list[Timed]) -> Timed:
    flops = sum(timed.layer.flops for timed in several)
    size = sum(timed.layer.bytes for timed in several)
    return Timed(Layer(name, "", flops, size), sum(timed.ms for timed in several))


def _line(timed: Timed, limits: Machine) -> str:
    layer, seconds = timed.layer, max(timed.ms, 1e-6) / 1000
    share = limits.shortest_ms(layer.flops, layer.bytes) / (1000 * seconds)
    rate = f"{layer.flops / seconds / 1e9:.0f}" if layer.flops else ""
    name = layer.name if len(layer.name) < 60 else layer.name[:57] + "..."
    return f"| {name} | {layer.tactic} | {timed.ms:.3f} | {rate} | {layer.bytes / seconds / 1e9:.1f} | {share:.0%} |"


if __name__ == "__main__":
    sys.exit(main())
