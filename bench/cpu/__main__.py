"""Times TensorVK's CPU device against other engines: `python -m bench.cpu`. Exit status 1 if a result of ours was wrong."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from . import rounds, table
from .cases import find_cases
from .worker import Ready, Settings

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = Path(os.environ.get("TENSORVK_MODELS", REPOSITORY.parent / "shared" / "models"))
EXPORTED = REPOSITORY / "build" / "exported"
PEERS = ["onnxruntime", "openvino-fp32", "openvino", "torch", "ncnn"]
OURS = ["tensorvk", "tensorvk-bf16", "tensorvk-shaders"]


def main() -> int:
    options = parse_arguments()
    engines = options.engines or (["tensorvk-bf16", "openvino"] if options.bf16 else ["tensorvk", *PEERS])
    settings = Settings(options.threads, options.level, options.plans, options.slice / 1000)
    rows: list[table.Row] = []
    for case in find_cases(options.models, options.only, options.work):
        print(f"{case.name} ...", file=sys.stderr, flush=True)
        rows.append(table.Row(case.name, rounds.measure(case, engines, options.seconds, settings)))
    print(table.markdown(rows))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2, default=str) + "\n")
    return 0 if all(is_right(row.subject, options.bf16) for row in rows) else 1


def is_right(result: rounds.Result, bf16: bool) -> bool:
    return isinstance(result.state, Ready) and result.state.error < (0.05 if bf16 else table.ALLOWED_ERROR)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.cpu", description=__doc__)
    parser.add_argument(
        "--models",
        type=Path,
        nargs="+",
        default=[MODELS, EXPORTED],
        help="folders of model folders (default: TENSORVK_MODELS, and what `python -m bench.exported` writes)",
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME[@BATCH]", help="these models alone, a batch of each"
    )
    parser.add_argument("--engines", nargs="+", choices=OURS + PEERS + ["ncnn-vulkan"], metavar="NAME", help="%(choices)s")
    parser.add_argument("--bf16", action="store_true", help="ours with BuilderFlag.BF16 against OpenVINO's default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4, help="time for the rounds of each model")
    parser.add_argument("--slice", type=float, default=50, help="milliseconds that an engine runs in a round")
    parser.add_argument("--level", type=int, help="our builder's optimization level")
    parser.add_argument("--plans", type=Path, help="folder to keep plans in and take them from")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "build" / "bench_cpu", help="folder for converted models")
    parser.add_argument("--json", type=Path, default=REPOSITORY / "build" / "bench_cpu.json", help="file to write")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
