"""Kernels by family beside the device's measured limits: `python -m bench.families`. Exit status 1 if one failed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tensorvk import doctor

from bench.gpu import interpreters
from bench.gpu.surroundings import Surroundings, surroundings

from . import limits, report, timing
from .sketch import TYPES
from .table import LARGE, MICROS, SMALL, SQUARE, Micro
from .timing import Timed

BUILD = interpreters.REPOSITORY / "build"
SIZES = {"large": LARGE, "small": SMALL}


def main() -> int:
    options = parse_arguments()
    found = surroundings({"torch": options.torch_python} if options.torch_python else {})
    size = SIZES[options.size or default_size(found)]
    timed: list[Timed] = []
    failed: list[report.Failure] = []
    for micro, precision in chosen(options.only, options.types):
        name = f"{micro.family}, {micro.name}, {precision}"
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            timed.append(timing.measure(micro, precision, size, options.level, options.seconds))
        except RuntimeError as failure:
            failed.append((name, str(failure)))
    machines = limits.machines(timed, limits.bandwidth(size), torch_products(options.torch_python, size.edge))
    text = report.markdown(found, machines, timed, failed)
    print(text)
    if options.markdown is not None:
        options.markdown.write_text(text)
    report.write_json(options.json, found, machines, timed, failed)
    return 1 if failed else 0


def chosen(families: list[str], precisions: list[str]) -> list[tuple[Micro, str]]:
    """The square product of each type is always there: it is the limit."""
    micros = [micro for micro in MICROS if micro is SQUARE or micro.family in families]
    return [(micro, precision) for micro in micros for precision in micro.precisions if precision in precisions]


def default_size(found: Surroundings) -> str:
    kinds = [device["type"] for device in doctor.gather()["devices"] if device["name"] == found.device]
    return "small" if not kinds or kinds[0] == "CPU" else "large"


def torch_products(interpreter: str | None, edge: int) -> dict[str, float]:
    if interpreter is None:
        return {}
    asked = interpreters.run(interpreter, "bench.families.torch_products", str(edge), capture=True)
    return dict(json.loads(asked.stdout)) if asked.returncode == 0 else {}


def parse_arguments() -> argparse.Namespace:
    families = list(dict.fromkeys(micro.family for micro in MICROS))
    parser = argparse.ArgumentParser(prog="python -m bench.families", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=families, default=families, metavar="FAMILY", help="%(choices)s (default: all)"
    )
    parser.add_argument("--types", nargs="+", choices=list(TYPES), default=list(TYPES), help="default: %(default)s")
    parser.add_argument(
        "--size", choices=list(SIZES), help="of the layers (default: small on a CPU device, else large)"
    )
    parser.add_argument("--level", type=int, default=3, help="the builder's optimization level (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1, help="time for the runs of each layer (%(default)s)")
    parser.add_argument(
        "--torch-python",
        type=interpreters.program,
        help="interpreter with PyTorch, whose products may be the limit, too",
    )
    parser.add_argument("--json", type=Path, default=BUILD / "bench_families.json", help="file to write")
    parser.add_argument("--markdown", type=Path, help="file to write what is printed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
