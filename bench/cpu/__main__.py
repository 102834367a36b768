"""TensorVK's CPU device against other engines: `python -m bench.cpu`. Exit status 1 if a result of ours was wrong."""

from __future__ import annotations

import argparse
import sys

from bench import table
from bench.results import Ready, Result

from . import arguments, rounds
from .engines import OURS, PEERS, SLOW, Settings

ALLOWED_ERROR = {"tensorvk-bf16": 5e-2}  # of the output's largest magnitude; others are in fp32
ALLOWED_FP32_ERROR = 1e-3
FASTER = table.Best("faster fp32 peer", ("onnxruntime", "openvino-fp32"))


def main() -> int:
    options = parse_arguments()
    engines = options.engines or default_engines(options.bf16)
    settings = Settings(options.threads, options.level, options.plans)
    rows = []
    for case in arguments.cases(options):
        print(f"{case.name} ...", file=sys.stderr, flush=True)
        rows.append(rounds.measure(case, engines, settings, options.seconds, options.slice / 1000))
    print(table.markdown(rows, FASTER))
    arguments.write_json(options.json, rows)
    return 0 if all(is_right(row.subject) for row in rows) else 1


def default_engines(bf16: bool) -> list[str]:
    return ["tensorvk-bf16", "openvino"] if bf16 else ["tensorvk", *(peer for peer in PEERS if peer not in SLOW)]


def is_right(result: Result) -> bool:
    allowed = ALLOWED_ERROR.get(result.engine, ALLOWED_FP32_ERROR)
    return isinstance(result.state, Ready) and result.state.error < allowed


def parse_arguments() -> argparse.Namespace:
    parser = arguments.parser("python -m bench.cpu", __doc__)
    parser.add_argument(
        "--engines",
        nargs="+",
        choices=[*OURS, *PEERS],
        metavar="NAME",
        help="the first is compared with the others: %(choices)s (default: all but the slow ones)",
    )
    parser.add_argument("--bf16", action="store_true", help="ours with BuilderFlag.BF16 against OpenVINO's default")
    parser.add_argument("--seconds", type=float, default=4, help="time for the rounds of each model (%(default)s)")
    parser.add_argument("--slice", type=float, default=50, help="milliseconds of an engine in a round (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
