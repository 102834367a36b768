"""Options that the CPU benchmarks share: which models, how many threads."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from .cases import Case, find_cases

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = Path(os.environ.get("TENSORVK_MODELS", REPOSITORY.parent / "shared" / "models"))
EXPORTED = REPOSITORY / "build" / "exported"


def parser(program: str, description: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=program, description=description)
    made.add_argument(
        "--models",
        type=Path,
        nargs="+",
        default=[MODELS, EXPORTED],
        help="folders of model folders (default: TENSORVK_MODELS, and what `python -m bench.exported` writes)",
    )
    made.add_argument(
        "--only", nargs="+", default=[], metavar="NAME[@BATCH]", help="these models alone; resnet50@8 has eight rows"
    )
    made.add_argument("--threads", type=int, default=2, help="threads and processors of each engine (%(default)s)")
    made.add_argument("--level", type=int, help="our builder's optimization level")
    made.add_argument("--plans", type=Path, help="folder to keep plans in and take them from; empty it after changes")
    made.add_argument(
        "--work", type=Path, default=REPOSITORY / "build" / "bench_cpu", help="folder for models with fixed shapes"
    )
    name = program.rpartition(" ")[2].replace(".", "_")
    made.add_argument("--json", type=Path, default=REPOSITORY / "build" / f"{name}.json", help="file to write")
    return made


def cases(options: argparse.Namespace) -> list[Case]:
    found: list[Case] = find_cases(options.models, options.only, options.work)
    return found


def write_json(path: Path, rows: Sequence[DataclassInstance]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
