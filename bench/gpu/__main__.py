"""TensorVK on a GPU against other engines: `python -m bench.gpu`. Exit status 1 if a result of ours was wrong."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import plot
from bench.results import Ready, Row

from . import agreement, interpreters, report, rounds
from .cases import DEFAULT, Case
from .engines import NAMES, OURS, TORCH
from .report import Measured
from .settings import Settings
from .surroundings import surroundings

BUILD = interpreters.REPOSITORY / "build"


def main() -> int:
    options = parse_arguments()
    cases = [Case.parse(text, options.work) for text in options.cases]
    prepare(cases, options)
    engines = {name: interpreter_of(name, options) for name in options.engines}
    found = surroundings(engines)
    settings = Settings(options.level, options.keep_plans, found.device, options.patience)
    measured: list[Measured] = []
    for case in cases:
        print(f"{case.name} ...", file=sys.stderr, flush=True)
        measured.append(measure(case, engines, settings, options))
        report.write_json(options.json, found, measured)
    text = report.markdown(found, measured)
    print(text)
    if options.markdown is not None:
        options.markdown.write_text(text)
    draw(options.plot or options.json.with_suffix(".svg"), measured, f"{found.device}, {found.date}")
    return 0 if all(is_right(each.alone) for each in measured) else 1


def interpreter_of(engine: str, options: argparse.Namespace) -> str:
    if engine == OURS:
        return sys.executable
    return str(options.torch_python if engine in TORCH else options.peer_python)


def prepare(cases: list[Case], options: argparse.Namespace) -> None:
    """Models and data that are not there yet, by interpreters that have what it takes."""
    missing = [(case, text) for case, text in zip(cases, options.cases, strict=True) if not case.is_there]
    exported = [text for case, text in missing if case.file is None]
    files = [text for case, text in missing if case.file is not None and case.file.is_file()]
    if exported:
        interpreters.run(options.torch_python, "bench.gpu.export", str(options.work), *exported)
    if files:
        interpreters.run(options.peer_python, "bench.gpu.prepare", str(options.work), *files)


def measure(case: Case, engines: dict[str, str], settings: Settings, options: argparse.Namespace) -> Measured:
    if not case.is_there:
        return Measured(*rounds.absent(case, engines, case.why_absent))
    alone, stream = rounds.measure(case, engines, settings, options.seconds, options.slice / 1000)
    ready = [result.engine for result in alone.results if isinstance(result.state, Ready)]
    return Measured(alone, stream, agreement.compare(case, ready))


def draw(path: Path, measured: list[Measured], title: str) -> None:
    drawn = plot.write(path, [each.alone for each in measured], title)
    print(f"Plot: {path}" if drawn else "No plot: matplotlib is not installed.", file=sys.stderr)


def is_right(row: Row) -> bool:
    return row.subject.engine != OURS or (isinstance(row.subject.state, Ready) and not row.is_wrong(row.subject))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument(
        "cases",
        nargs="*",
        default=DEFAULT,
        metavar="NETWORK:TYPE:BATCH",
        help="a network of bench.exported or an ONNX file (default: %(default)s)",
    )
    parser.add_argument(
        "--engines",
        nargs="+",
        choices=NAMES,
        default=list(NAMES),
        metavar="NAME",
        help="the first is compared with the others: %(choices)s (default: all)",
    )
    parser.add_argument(
        "--torch-python",
        type=interpreters.program,
        default=sys.executable,
        help="interpreter that has PyTorch (%(default)s)",
    )
    parser.add_argument(
        "--peer-python",
        type=interpreters.program,
        default=sys.executable,
        help="one that has the other engines (%(default)s)",
    )
    parser.add_argument("--level", type=int, default=3, help="our builder's optimization level (%(default)s)")
    parser.add_argument("--keep-plans", action="store_true", help="take the plans of an earlier run")
    parser.add_argument("--seconds", type=float, default=5, help="time for the rounds of each case (%(default)s)")
    parser.add_argument("--slice", type=float, default=100, help="milliseconds of an engine in a round (%(default)s)")
    parser.add_argument(
        "--patience", type=float, default=900, help="seconds for an engine to be made, and for a block (%(default)s)"
    )
    parser.add_argument("--work", type=Path, default=BUILD / "bench_gpu", help="folder for models and plans")
    parser.add_argument("--json", type=Path, default=BUILD / "bench_gpu.json", help="file to write")
    parser.add_argument("--markdown", type=Path, help="file to write what is printed")
    parser.add_argument("--plot", type=Path, help="SVG or PNG file to write (default: beside the JSON file)")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        sys.exit(f"bench.gpu: {error}")
