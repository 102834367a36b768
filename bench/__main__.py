"""Runs the benchmarks: `python -m bench`. Exit status 1 if a model failed or its result was wrong."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import tensorvk
from tensorvk.demo.device import device_name

from . import models, overhead

REPOSITORY = Path(__file__).resolve().parent.parent
MODELS = Path(os.environ.get("TENSORVK_MODELS", REPOSITORY.parent / "shared" / "models"))


def main() -> int:
    options = parse_arguments()
    if options.device is not None:
        os.environ["TENSORVK_DEVICE"] = options.device
    device = device_name()
    print(f"TensorVK {tensorvk.tensorvk_version} on {device}\n")

    cost = overhead.measure()
    print(overhead.markdown(cost) + "\n")
    rows: list[models.Row] = []
    if options.models.is_dir():
        rows = models.run(options.models, options.only, options.seconds, options.fp16, say)
        print("\n" + models.markdown(rows))
    else:
        say(f"Models: SKIPPED, there is no folder {options.models} (--models or TENSORVK_MODELS names another).")
    write_json(options.json, device, options.fp16, cost, rows)
    wanted = len(options.only) if options.models.is_dir() else 0
    return 0 if len(rows) == wanted and all(row.correct for row in rows) else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--device", help="index, part of the name, or 'cpu' (default: the first discrete GPU)")
    parser.add_argument(
        "--models", type=Path, default=MODELS, help="folder of model folders (default: TENSORVK_MODELS, %(default)s)"
    )
    parser.add_argument("--only", nargs="+", default=models.NAMES, metavar="NAME", help="these models alone")
    parser.add_argument("--seconds", type=float, default=4, help="time for the rounds of each model")
    parser.add_argument("--fp16", action="store_true", help="let the builder use half precision")
    parser.add_argument("--json", type=Path, default=REPOSITORY / "build" / "bench.json", help="file to write")
    return parser.parse_args()


def write_json(path: Path, device: str, fp16: bool, cost: overhead.Overhead, rows: list[models.Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "version": tensorvk.tensorvk_version,
        "device": device,
        "fp16": fp16,
        "overhead": asdict(cost),
        "models": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(report, indent=2) + "\n")
    say(f"Numbers: {path}")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"TensorVK bench: {error}")
