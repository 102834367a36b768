"""Runs random models and says what became of them; exits with 1 when one crashed, failed or is wrong."""

from __future__ import annotations

import argparse
import collections
import os
import subprocess
import sys
import time
from pathlib import Path

from .check import CRASHED, FAILED, PASSED, UNSUPPORTED, WRONG, check, normalized
from .minimise import minimise
from .pool import make_case, run
from .recipes import RECIPES

BAD = (CRASHED, FAILED, WRONG)
# As many bad models are made small and saved after a run; there is a command for each of the others.
MOST_SAVED = 20


def repeat(name: str, folder: Path, half: bool) -> int:
    """One case, in this process; what is bad about it is minimised and saved."""
    case = make_case(name)
    print(f"{name}: saved as {case.save(folder / 'whole')}", flush=True)
    verdict = check(case, half)
    print(f"{verdict.status} {verdict.reason}")
    if verdict.status in (FAILED, WRONG):
        small, verdict = minimise(case, verdict, half)
        print(
            f"minimised to {len(small.model.graph.node)} nodes: {small.save(folder)}\n{verdict.status} {verdict.reason}"
        )
        for node in small.model.graph.node:
            print(f"  {node.op_type} {list(node.input)} -> {list(node.output)}")
        for feed in small.feeds:
            print("  " + ", ".join(f"{key} {array.dtype}{list(array.shape)}" for key, array in feed.items()))
    return int(verdict.status in BAD)


def save_small(names: list[str], folder: Path, half: bool) -> None:
    """In processes of their own: they may crash again."""
    for name in names[:MOST_SAVED]:
        command = [sys.executable, "-m", __spec__.parent, "--repeat", name, "--output", str(folder)]
        command += ["--half"] if half else []
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        print(f"\n{result.stdout.strip()}" if result.stdout else f"\n{name}: {result.stderr[-400:]}")


def summarise(counts: collections.Counter[str], reasons: dict[str, list[str]], total: int) -> None:
    for reason, names in sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0])):
        print(f"{len(names):6d} {reason}   {' '.join(names[:3])}")
    print(", ".join(f"{counts[status]} {status}" for status in (PASSED, UNSUPPORTED, *BAD)) + f" of {total}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.python.differential", description=__doc__)
    parser.add_argument("--graphs", type=int, default=0, help="number of random graphs")
    parser.add_argument("--parts", type=int, default=0, help="number of random graphs of parts, siblings and blocks")
    parser.add_argument("--half", action="store_true", help="build with float16 inside")
    parser.add_argument("--operators", type=int, default=0, help="number of random models of each operator")
    parser.add_argument("--only", default="", help="operators, separated by commas (all)")
    parser.add_argument("--first", type=int, default=0, help="number of the first model")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one for each core)")
    parser.add_argument("--repeat", metavar="NAME", help="one model again: graph:12, Conv:3")
    parser.add_argument("--output", type=Path, default=Path("build/differential"), help="folder for models that fail")
    options = parser.parse_args()
    if options.repeat:
        return repeat(options.repeat, options.output, options.half)
    ops = options.only.split(",") if options.only else list(RECIPES)
    names = [f"{op}:{options.first + i}" for op in ops for i in range(options.operators)]
    names += [f"graph:{options.first + i}" for i in range(options.graphs)]
    names += [f"parts:{options.first + i}" for i in range(options.parts)]
    counts: collections.Counter[str] = collections.Counter()
    passes: collections.Counter[str] = collections.Counter()
    reached: collections.Counter[str] = collections.Counter()
    reasons: dict[str, list[str]] = collections.defaultdict(list)
    start, longest, bad = time.perf_counter(), (0.0, ""), []
    for name, verdict, seconds in run(names, options.jobs, options.half):
        counts[verdict.status] += 1
        passes += verdict.passes
        reached.update(verdict.passes.keys())
        longest = max(longest, (seconds, name))
        if verdict.status in BAD:
            bad.append(name)
            print(
                f"{verdict.status}: {verdict.reason[:400]}\n    python -m tests.python.differential --repeat {name}",
                flush=True,
            )
        if verdict.status != PASSED:
            reasons[f"{verdict.status}: {normalized(verdict.reason)}"].append(name)
    summarise(counts, reasons, len(names))
    print(
        "layers (models) of passes: " + ", ".join(f"{name} {n} ({reached[name]})" for name, n in passes.most_common())
    )
    spent = time.perf_counter() - start
    print(
        f"{spent:.0f} s, {1000 * spent / max(len(names), 1):.0f} ms a model; longest {longest[0]:.1f} s: {longest[1]}"
    )
    save_small(bad, options.output, options.half)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
