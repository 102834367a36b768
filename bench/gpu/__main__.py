"""TensorVK on a GPU against PyTorch: `python -m bench.gpu`. Exit status 1 if a result of ours was wrong."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from bench import table
from bench.results import Ready, Row

from . import rounds
from .cases import DEFAULT, Case
from .engines import NAMES, OURS, TORCH
from .settings import Settings
from .surroundings import sentence, surroundings

REPOSITORY = Path(__file__).resolve().parents[2]
# Of the output's largest magnitude. What float16 rounds to the next int8 adds up over a network with Q/DQ.
ALLOWED_ERROR = {"fp16": 2e-2, "fp32": 1e-3, "int8": 1e-1}
BEST_OF_TORCH = table.Best("best of PyTorch", ("torch-graph", "torch-compile"))


def main() -> int:
    options = parse_arguments()
    cases = [Case.parse(text, options.work) for text in options.cases]
    export(options.cases, options.work, options.torch_python)
    engines = {name: options.torch_python if name in TORCH else sys.executable for name in options.engines}
    settings = Settings(options.level, options.keep_plans)
    found = surroundings(options.torch_python)
    rows = []
    for case in cases:
        print(f"{case.name} ...", file=sys.stderr, flush=True)
        rows.append(rounds.measure(case, engines, settings, options.seconds, options.slice / 1000))
        write_json(options.json, found, rows)
    print(sentence(found) + "\n")
    print(
        "Inferences that are waited for one by one.\n\n" + table.markdown([alone for alone, _ in rows], BEST_OF_TORCH)
    )
    print("\nInferences one behind the other.\n\n" + table.markdown([stream for _, stream in rows], BEST_OF_TORCH))
    return 0 if all(is_right(case, alone) for case, (alone, _) in zip(cases, rows, strict=True)) else 1


def export(cases: list[str], work: Path, interpreter: str) -> None:
    """What is not there yet, by the interpreter that has torch."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
    command = [interpreter, "-m", "bench.gpu.export", str(work), *cases]
    if subprocess.run(command, env=environment, check=False).returncode:
        sys.exit(f"{interpreter} could not export the networks (it needs PyTorch: --torch-python names another one)")


def is_right(case: Case, row: Row) -> bool:
    state = row.subject.state
    return row.subject.engine != OURS or (isinstance(state, Ready) and state.error < ALLOWED_ERROR[case.precision])


def write_json(path: Path, found: dict[str, str], rows: list[tuple[Row, Row]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cases = [{"alone": asdict(alone), "stream": asdict(stream)} for alone, stream in rows]
    report = {**found, "cases": cases}
    path.write_text(json.dumps(report, indent=2) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("cases", nargs="*", default=DEFAULT, metavar="NETWORK:TYPE:BATCH", help="default: %(default)s")
    parser.add_argument(
        "--engines",
        nargs="+",
        choices=NAMES,
        default=list(NAMES),
        metavar="NAME",
        help="the first is compared with the others: %(choices)s (default: all)",
    )
    parser.add_argument("--torch-python", default=sys.executable, help="interpreter that has PyTorch (%(default)s)")
    parser.add_argument("--level", type=int, default=3, help="our builder's optimization level (%(default)s)")
    parser.add_argument("--keep-plans", action="store_true", help="take the plans of an earlier run")
    parser.add_argument("--seconds", type=float, default=5, help="time for the rounds of each case (%(default)s)")
    parser.add_argument("--slice", type=float, default=100, help="milliseconds of an engine in a round (%(default)s)")
    parser.add_argument(
        "--work", type=Path, default=REPOSITORY / "build" / "bench_gpu", help="folder for models and plans"
    )
    parser.add_argument("--json", type=Path, default=REPOSITORY / "build" / "bench_gpu.json", help="file to write")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        sys.exit(f"bench.gpu: {error}")
